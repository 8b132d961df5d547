/** The line under the stage: how far the run is, and the buttons that hold it. */

import { announce, announceProgress } from './announce.js';
import { api, ApiError } from './api.js';
import { byId, say } from './dom.js';
import { duration, percent, pixels } from './format.js';
import { text } from './text.js';

/**
 * @typedef {import('./store.js').Store} Store
 * @typedef {import('./api.js').Job} Job
 * @typedef {import('./api.js').JobState} JobState
 */

/** @type {Record<string, JobState[]>} The states in which each button can be pressed. */
const states = { pause: ['running'], continue: ['paused'], stop: ['running', 'paused', 'queued'] };
const buttons = /** @type {Array<'pause' | 'continue' | 'stop'>} */ (Object.keys(states));

export class Run {
  #store;
  #jobs;
  /** @type {string} The job and state that were read out last. */
  #said = '';

  /** @param {Store} store @param {import('./jobs.js').Jobs} jobs */
  constructor(store, jobs) {
    this.#store = store;
    this.#jobs = jobs;
    for (const what of buttons) byId(what).addEventListener('click', () => this.#control(what));
    store.on('current', () => this.#show());
    store.on(['job', 'progress'], id => id === store.currentId && this.#show());
  }

  /** Pauses a run, or lets it go on. */
  async pauseOrGoOn() {
    const state = this.#store.current?.state;
    if (state === 'running') await this.#control('pause');
    else if (state === 'paused') await this.#control('continue');
  }

  /** Stops the run; the picture so far is its result. */
  async stop() {
    if (states.stop.includes(this.#store.current?.state ?? 'done')) await this.#control('stop');
  }

  /** @param {'pause' | 'continue' | 'stop'} what */
  async #control(what) {
    const { current } = this.#store;
    if (!current || this.#store.studio.readOnly) return;
    say(byId('run-error'), null);
    try {
      await this.#jobs.ask(() => api.control(current.id, what));
    } catch (failure) {
      if (!(failure instanceof ApiError)) throw failure;
      say(byId('run-error'), failure.message);
    }
  }

  #show() {
    const job = this.#store.current;
    byId('dash').hidden = !job;
    document.title = job && job.state === 'running'
      ? text('app.titleRunning', { share: percent(share(job)) }) : text('app.title');
    if (!job) return;
    byId('run-state').textContent = text(`state.${job.state}`);
    byId('run-state').dataset.state = job.state;
    byId('run-facts').textContent = facts(job).join(text('list.separator'));
    const bar = byId('run-progress');
    bar.value = share(job);
    bar.hidden = job.state === 'done' || job.state === 'failed';
    const focused = buttons.find(what => byId(what) === document.activeElement);
    for (const what of buttons) byId(what).hidden = !states[what].includes(job.state);
    // A button that has done its work hands the focus to the one in its place.
    if (focused && byId(focused).hidden) buttons.map(byId).find(button => !button.hidden)?.focus();
    if (job.error) say(byId('run-error'), job.error);
    this.#tell(job);
  }

  /** @param {Job} job */
  #tell(job) {
    const state = `${job.id} ${job.state}`;
    if (state !== this.#said) {
      this.#said = state;
      announce(text('run.isNow', { title: job.title, state: text(`state.${job.state}`) }));
    } else if (job.state === 'running') {
      announceProgress(() => facts(job).join(text('list.separator')));
    }
  }
}

/** @param {Job} job */
const share = job => job.total > 0 ? Math.min(1, job.iteration / job.total) : 0;

/** @param {Job} job */
function facts(job) {
  const words = [];
  if (job.kind === 'transfer') words.push(text('run.iteration', { iteration: job.iteration, total: job.total }));
  const frame = job.frames?.at(-1);
  if (job.result) words.push(pixels(job.result.width, job.result.height));
  else if (frame) words.push(text('run.scale', { size: pixels(frame.width, frame.height) }));
  if (job.state === 'running' && job.secondsLeft !== null)
    words.push(text('run.left', { time: duration(job.secondsLeft) }));
  return words;
}
