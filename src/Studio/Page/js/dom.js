/** Short names for what every module does with the document. */

import { fillText } from './text.js';

/**
 * Finds an element of index.html by its id. The ids are fixed, so a missing one is a mistake in the program.
 * @param {string} id
 * @returns {any}
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`index.html has no #${id}`);
  return element;
}

/**
 * Makes a copy of a template of index.html, with its words.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function fromTemplate(id) {
  const copy = /** @type {HTMLElement} */ (byId(id).content.firstElementChild.cloneNode(true));
  fillText(copy);
  return copy;
}

/**
 * Finds a named part of a template's copy.
 * @param {ParentNode} root
 * @param {string} name
 * @returns {any}
 */
export const part = (root, name) => root.querySelector(`[data-part="${name}"]`);

/**
 * Shows words in a paragraph that is hidden while it has none.
 * @param {HTMLElement} element
 * @param {string | null} words
 */
export function say(element, words) {
  // An alert is read out when its text changes, so the same text is not set twice.
  if (element.textContent !== (words ?? '')) element.textContent = words ?? '';
  element.hidden = !words;
}

/**
 * Fills a select with choices, and keeps what was chosen.
 * @param {HTMLSelectElement} select
 * @param {Array<{value: string, label: string}>} choices
 */
export function fillSelect(select, choices) {
  select.replaceChildren(...choices.map(({ value, label }) => new Option(label, value)));
}
