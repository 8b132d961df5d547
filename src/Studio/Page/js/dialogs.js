/** The page's dialogs. */

import { byId } from './dom.js';

/** Lets every dialog's own buttons close it. */
export function setUpDialogs() {
  for (const button of document.querySelectorAll('[data-close]'))
    button.addEventListener('click', () => button.closest('dialog')?.close());
}

/**
 * Opens a dialog. The focus returns to where it was when it closes, also if that was rebuilt in between.
 * @param {HTMLDialogElement} dialog
 * @returns {Promise<void>} Done when it is closed.
 */
export function open(dialog) {
  const before = /** @type {HTMLElement | null} */ (document.activeElement);
  dialog.showModal();
  return new Promise(resolve => dialog.addEventListener('close', () => {
    const again = before?.isConnected ? before : before?.id ? document.getElementById(before.id) : null;
    (again ?? byId('paint')).focus();
    resolve();
  }, { once: true }));
}

/** Asks whether something is to be done. @param {string} words @returns {Promise<boolean>} */
export async function confirm(words) {
  const dialog = byId('confirm-dialog');
  let yes = false;
  byId('confirm-text').textContent = words;
  byId('confirm-yes').onclick = () => {
    yes = true;
    dialog.close();
  };
  await open(dialog);
  return yes;
}
