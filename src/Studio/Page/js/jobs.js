/** Keeps the store's jobs up to date with the server, and the job on the stage with the page's address. */

import { api, ApiError } from './api.js';

/**
 * @typedef {import('./api.js').Job} Job
 * @typedef {import('./store.js').Store} Store
 */

/** More frames than the server keeps show that it has thinned them since; then they are read again. */
const mostFrames = 240;
const mostPoints = 1200;

export class Jobs {
  #store;
  /** Counts questions and events, to tell which came first. */
  #clock = 0;
  /** @type {Map<string, number>} When the last event about a job came. */
  #heard = new Map();

  /** @param {Store} store */
  constructor(store) {
    this.#store = store;
    addEventListener('hashchange', () => this.#show(fromHash()));
  }

  /** Reads all jobs, and puts the one of the page's address on the stage. */
  async load() {
    const store = this.#store;
    const known = store.jobs;
    store.jobs = new Map((await api.jobs()).map(job => [job.id, merge(known.get(job.id), job)]));
    store.emit('jobs');
    await this.#show(fromHash(), true);
  }

  /**
   * Puts a job on the stage.
   * @param {string | null} id A job's id, or null to prepare a new one.
   */
  async select(id) {
    const address = id === null ? location.pathname : `#job=${id}`;
    if (id !== fromHash()) history.pushState(null, '', address);
    await this.#show(id);
  }

  /**
   * Asks the server something whose answer is a job, and puts that into the store.
   * @param {() => Promise<Job>} question
   * @returns {Promise<Job>}
   */
  async ask(question) {
    const asked = ++this.#clock;
    const job = await question();
    const known = this.#store.jobs.get(job.id);
    // An event that came while the answer was on its way may be newer; then the answer only adds what is not known.
    this.#put((this.#heard.get(job.id) ?? 0) > asked && known ? merge(job, known) : merge(known, job));
    return job;
  }

  /**
   * Takes over a job that has changed.
   * @param {Job} job The data of a job event.
   */
  changed(job) {
    this.#heard.set(job.id, ++this.#clock);
    this.#put(merge(this.#store.jobs.get(job.id), job));
  }

  /** @param {string} id */
  forget(id) {
    this.#heard.delete(id);
    if (!this.#store.jobs.delete(id)) return;
    this.#store.emit('jobs');
    if (this.#store.currentId === id) this.select(null);
  }

  /**
   * Takes over what has happened in a run.
   * @param {any} progress The data of a progress event.
   */
  progress(progress) {
    const job = this.#store.jobs.get(progress.id);
    if (!job) return;
    const { iteration, total, secondsLeft, loss, content, style, tv, frame, width, height } = progress;
    Object.assign(job, { iteration, total, secondsLeft });
    if (job.losses) {
      job.losses.push([iteration, loss, content, style, tv]);
      // A picture's width has far fewer places than a long run has iterations.
      if (job.losses.length > mostPoints) job.losses = job.losses.filter((_, i) => i % 2 === 0 || i > mostPoints - 10);
    }

    if (frame !== null && job.frames && !job.frames.some(each => each.n === frame)) {
      job.frames.push({ n: frame, iteration, width, height });
      if (job.frames.length > mostFrames) this.#read(job.id);
    }

    this.#store.emit('progress', job.id);
  }

  /** @param {string} id @param {string} words */
  notice(id, words) {
    const job = this.#store.jobs.get(id);
    if (!job || job.notices.includes(words)) return;
    job.notices.push(words);
    this.#store.emit('job', id);
  }

  /** @param {Job} job */
  #put(job) {
    const store = this.#store;
    const fresh = !store.jobs.has(job.id);
    if (fresh) store.jobs = new Map([[job.id, job], ...store.jobs]);
    else store.jobs.set(job.id, job);
    if (fresh) store.emit('jobs');
    store.emit('job', job.id);
  }

  /**
   * @param {string | null} id
   * @param {boolean} [again] Reads the job even if it is the one on the stage.
   */
  async #show(id, again = false) {
    const known = id !== null && this.#store.jobs.has(id) ? id : null;
    if (known === null && id !== null) history.replaceState(null, '', location.pathname);
    if (!again && known === this.#store.currentId) return;
    const other = known !== this.#store.currentId;
    this.#store.currentId = known;
    if (other) this.#store.emit('current');
    if (known !== null) await this.#read(known);
  }

  /** @param {string} id */
  async #read(id) {
    try {
      await this.ask(() => api.job(id));
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) this.forget(id);
      else if (!(error instanceof ApiError)) throw error;
    }
  }
}

/**
 * Joins what is known of a job with something newer, which may come without frames and losses.
 * @param {Job | undefined} older
 * @param {Job} newer
 * @returns {Job}
 */
function merge(older, newer) {
  return { ...older, ...newer, frames: newer.frames ?? older?.frames, losses: newer.losses ?? older?.losses };
}

/** The job that the page's address names. */
const fromHash = () => new URLSearchParams(location.hash.slice(1)).get('job');
