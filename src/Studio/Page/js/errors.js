/** Shows the server's refusals at the place they are about. */

import { byId, say } from './dom.js';

/** The places of fields that are no settings. */
const places = { content: 'content-error', styles: 'style-error', mask: 'style-error', model: 'model-error' };

/**
 * Shows an error at its field, or at a place of its own if it has no field on the page.
 * @param {import('./api.js').ApiError} error
 * @param {'transfer' | 'stylize'} kind
 * @param {HTMLElement} otherwise
 */
export function showError(error, kind, otherwise) {
  clearErrors();
  const place = error.field === null ? null : fieldOf(error.field, kind);
  if (!place) {
    const known = Object.entries(places).find(([field]) => error.field?.startsWith(field));
    say(known ? byId(known[1]) : otherwise, error.message);
    return;
  }

  for (let parent = place.closest('details'); parent; parent = parent.parentElement?.closest('details') ?? null)
    parent.open = true;
  const message = document.createElement('p');
  message.className = 'error field-error';
  message.id = 'field-error';
  message.setAttribute('role', 'alert');
  place.append(message);
  message.textContent = error.message;
  const input = /** @type {HTMLElement} */ (place.querySelector('input, select'));
  input.setAttribute('aria-invalid', 'true');
  input.setAttribute('aria-errormessage', message.id);
  input.focus();
}

/** Takes back what {@link showError} has shown at fields. */
export function clearErrors() {
  document.getElementById('field-error')?.remove();
  for (const input of document.querySelectorAll('[aria-invalid]')) {
    input.removeAttribute('aria-invalid');
    input.removeAttribute('aria-errormessage');
  }
}

/** @param {string} field @param {'transfer' | 'stylize'} kind */
function fieldOf(field, kind) {
  const [name, drawing] = [field, `drawing-${field}`].map(each => `[data-field="${CSS.escape(each)}"]`);
  const fields = [...byId(`${kind}-controls`).querySelectorAll(`${name}, ${drawing}`)];
  // A value may have a slider, which cannot be wrong, and a row among all settings.
  return fields.find(each => each.contains(document.activeElement))
    ?? fields.find(each => !each.querySelector('input[type="range"]')) ?? fields[0] ?? null;
}
