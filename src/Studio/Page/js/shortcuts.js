/** The keys that work on the whole page, and the dialog that lists them. */

import { open } from './dialogs.js';
import { byId } from './dom.js';
import { text } from './text.js';

const storageKey = 'nativestyle-single-keys';

/**
 * @typedef {{
 *   paint: () => void, fresh: () => void, pause: () => void, stop: () => void, compare: () => void,
 *   learn: () => void, mask: () => void, frame: (steps: number) => void
 * }} Actions
 */

/** @param {Actions} actions */
export function setUpShortcuts(actions) {
  /** @type {Record<string, () => void>} */
  const single = {
    n: actions.fresh, p: actions.pause, s: actions.stop, c: actions.compare, i: actions.learn, m: actions.mask,
    '[': () => actions.frame(-1), ']': () => actions.frame(1),
  };
  const box = /** @type {HTMLInputElement} */ (byId('single-keys'));
  // Speech input can press single keys by accident, so they can be turned off.
  box.checked = localStorage.getItem(storageKey) !== 'off';
  box.addEventListener('change', () => localStorage.setItem(storageKey, box.checked ? 'on' : 'off'));
  byId('help').addEventListener('click', () => open(byId('help-dialog')));
  byId('help-keys').replaceChildren(
    ...['paint', 'n', 'p', 's', 'frames', 'c', 'i', 'm', 'paste', 'arrows', 'help'].map(row));

  addEventListener('keydown', event => {
    if (document.querySelector('dialog[open]')) return;
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      commit();
      actions.paint();
    } else if (!isTyping(event)) {
      // The key for help stays, since it is the way to what turns the others off.
      const action = event.key === '?' ? () => open(byId('help-dialog')) : box.checked ? single[event.key] : undefined;
      if (!action) return;
      event.preventDefault();
      action();
    }
  });
}

/** Lets a field take what is typed in it, as it does when it is left. */
function commit() {
  const field = document.activeElement;
  if (!(field instanceof HTMLInputElement)) return;
  field.blur();
  field.focus();
}

/** @param {string} name */
function row(name) {
  const line = document.createElement('tr');
  const key = document.createElement('th');
  key.scope = 'row';
  const cap = document.createElement('kbd');
  cap.textContent = text(`key.${name}`);
  key.append(cap);
  const words = document.createElement('td');
  words.textContent = text(`key.${name}.does`);
  line.append(key, words);
  return line;
}

/** @param {KeyboardEvent} event */
function isTyping(event) {
  const target = /** @type {HTMLElement} */ (event.target);
  return event.ctrlKey || event.metaKey || event.altKey || target.isContentEditable || target.tagName === 'SELECT'
    || target.tagName === 'TEXTAREA'
    || (target instanceof HTMLInputElement && !['range', 'checkbox', 'radio', 'file'].includes(target.type));
}
