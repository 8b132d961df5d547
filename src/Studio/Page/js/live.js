/** Brings what a person changes while a picture is being painted into the run. */

import { api, ApiError } from './api.js';
import { announce } from './announce.js';
import { byId, say } from './dom.js';
import { clearErrors, showError } from './errors.js';
import { text } from './text.js';

/** @typedef {import('./form.js').Edit} Edit */

/** Milliseconds. A slider that is drawn makes many values; only the one where it rests is worth going on with. */
const rest = 400;

export class Live {
  #store;
  #form;
  #jobs;
  /** @type {Map<string, Edit>} What is yet to be sent. Only a person's own edits go to the server, never a form's
   * other values, which another tab may have changed since. */
  #pending = new Map();
  #timer = 0;
  #sending = false;

  /**
   * @param {import('./store.js').Store} store
   * @param {import('./form.js').Form} form
   * @param {import('./jobs.js').Jobs} jobs
   */
  constructor(store, form, jobs) {
    this.#store = store;
    this.#form = form;
    this.#jobs = jobs;
    form.onEdit(edit => this.#edited(edit));
    store.on('current', () => this.#follow());
    store.on('job', id => id === store.currentId && this.#sync());
  }

  /** Goes on from an earlier frame. @param {import('./api.js').Frame} frame */
  async goBackTo(frame) {
    const { live } = this.#store;
    if (live) await this.#send(live.id, { fromFrame: frame.n });
  }

  /** The controls show what is in force in the run on the stage. */
  #follow() {
    clearTimeout(this.#timer);
    this.#pending.clear();
    say(byId('run-said'), null);
    say(byId('run-error'), null);
    const { live } = this.#store;
    if (live) this.#form.takeFrom(live);
  }

  /** Takes over what another tab, or the server itself, has changed. */
  #sync() {
    const { current, live } = this.#store;
    if (!live && current?.state !== 'queued') {
      this.#pending.clear();
      say(byId('run-said'), null);
    }

    if (!live || !this.#form.hasPicturesOf(live)) return;
    this.#form.takeValues(live, edit => this.#pending.has(keyOf(edit)));
    // What was changed while the job waited for its turn.
    if (this.#pending.size > 0 && !this.#sending) this.#schedule(live.id);
  }

  /** @param {Edit} edit */
  #edited(edit) {
    clearErrors();
    const { current, live } = this.#store;
    const waits = current?.state === 'queued';
    if (!current || !(live || waits) || !this.#form.hasPicturesOf(current)) return;
    this.#pending.set(keyOf(edit), edit);
    if (live) this.#schedule(live.id);
  }

  /** @param {string} id */
  #schedule(id) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#sendPending(id), rest);
  }

  /** @param {string} id */
  async #sendPending(id) {
    const edits = [...this.#pending.values()];
    const form = this.#form;
    const preset = edits.some(edit => 'preset' in edit);
    // Another preset changes what every setting is relative to, so all settings go with it.
    const names = preset ? [...Object.keys(form.settings), ...Object.keys(this.#store.live?.settings ?? {})]
      : edits.flatMap(edit => 'setting' in edit ? [edit.setting] : []);
    await this.#send(id, {
      settings: Object.fromEntries(names.map(name => [name, form.value(name)])),
      ...preset && { preset: form.preset },
      ...edits.some(edit => 'weights' in edit) && { weights: form.styles.map(style => style.weight) },
    });
  }

  /** @param {string} id @param {object} change */
  async #send(id, change) {
    const sent = new Map(this.#pending);
    this.#sending = true;
    try {
      const job = await this.#jobs.ask(() => api.change(id, change));
      for (const [key, edit] of sent) if (this.#pending.get(key) === edit) this.#pending.delete(key);
      const words = job.changes.at(-1)?.words;
      if (words) tell(text('run.goesOn', { words }));
    } catch (failure) {
      if (!(failure instanceof ApiError)) throw failure;
      this.#pending.clear();
      showError(failure, 'transfer', byId('run-error'));
    } finally {
      this.#sending = false;
    }
  }
}

/** @param {string} words */
function tell(words) {
  say(byId('run-error'), null);
  say(byId('run-said'), words);
  announce(words);
}

/** @param {Edit} edit */
const keyOf = edit => 'setting' in edit ? `setting ${edit.setting}` : Object.keys(edit)[0];
