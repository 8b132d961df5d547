/** Starts a new picture. */

import { announce } from './announce.js';
import { api, ApiError } from './api.js';
import { byId, say } from './dom.js';
import { clearErrors, showError } from './errors.js';
import { text } from './text.js';

/**
 * Lets the form's button make a job of the form, and puts it on the stage.
 * @param {import('./form.js').Form} form
 * @param {import('./jobs.js').Jobs} jobs
 */
export function setUpPaint(form, jobs) {
  const button = /** @type {HTMLButtonElement} */ (byId('paint'));
  const error = byId('paint-error');
  byId('controls').addEventListener('submit', async (/** @type {Event} */ event) => {
    event.preventDefault();
    // A key pressed twice makes one picture.
    if (button.disabled || !isComplete(form)) return;
    say(error, null);
    clearErrors();
    button.disabled = true;
    try {
      const job = await jobs.ask(() => api.create(form.request()));
      await jobs.select(job.id);
      announce(text('paint.started', { title: job.title }));
      byId('stage').scrollIntoView({ block: 'nearest' });
    } catch (failure) {
      if (!(failure instanceof ApiError)) throw failure;
      showError(failure, form.kind, error);
    } finally {
      button.disabled = false;
    }
  });
}

/** Says what is missing, where it is missing. @param {import('./form.js').Form} form */
function isComplete(form) {
  const { kind, content, model, styles } = form;
  const missing = !content ? 'content' : kind === 'stylize' ? !model && 'model' : styles.length === 0 && 'style';
  for (const place of ['content', 'style', 'model'])
    say(byId(`${place}-error`), place === missing ? text(`${place}.missing`) : null);
  if (!missing) return true;
  const target = missing === 'model' ? byId('models').querySelector('button') : byId(`${missing}-file`);
  target.focus();
  byId(`${missing}-error`).scrollIntoView({ block: 'nearest' });
  return false;
}
