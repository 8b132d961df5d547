/** The queue and history: a strip of all jobs. */

import { address } from './api.js';
import { byId, fromTemplate, part } from './dom.js';
import { text } from './text.js';

/**
 * @typedef {import('./store.js').Store} Store
 * @typedef {import('./api.js').Job} Job
 */

/** Milliseconds between new thumbnails of a running job. */
const refresh = 2000;

/** Fewer pictures than this are all in view. */
const few = 6;

export class History {
  #store;
  #jobs;
  /** @type {Map<string, {element: HTMLElement, refreshed: number, source: string}>} */
  #shots = new Map();

  /** @param {Store} store @param {import('./jobs.js').Jobs} jobs */
  constructor(store, jobs) {
    this.#store = store;
    this.#jobs = jobs;
    byId('show-all').addEventListener('click', () => this.#showAll(!this.#all));
    store.on('jobs', () => this.#list());
    store.on(['job', 'progress'], id => this.#update(id));
    store.on('current', () => this.#mark());
  }

  get #all() {
    return byId('show-all').getAttribute('aria-expanded') === 'true';
  }

  /** Shows the pictures in rows, or in one strip. @param {boolean} all */
  #showAll(all) {
    byId('show-all').setAttribute('aria-expanded', String(all));
    byId('show-all').textContent = text(all ? 'history.less' : 'history.all');
    byId('shots').classList.toggle('all', all);
  }

  #list() {
    const { jobs } = this.#store;
    for (const id of this.#shots.keys()) if (!jobs.has(id)) this.#shots.delete(id);
    for (const job of jobs.values()) if (!this.#shots.has(job.id)) this.#shots.set(job.id, this.#make(job));
    byId('shots').replaceChildren(...[...jobs.keys()].map(id => this.#shots.get(id)?.element ?? ''));
    byId('history-empty').hidden = jobs.size > 0;
    byId('show-all').hidden = jobs.size < few;
    for (const id of jobs.keys()) this.#update(id);
    this.#mark();
  }

  /** @param {Job} job */
  #make(job) {
    const element = fromTemplate('shot');
    element.querySelector('button')?.addEventListener('click', async () => {
      await this.#jobs.select(job.id);
      // On a phone, the stage is far above.
      byId('stage').scrollIntoView({ block: 'nearest' });
    });
    return { element, refreshed: -refresh, source: '' };
  }

  /** @param {string} id */
  #update(id) {
    const job = this.#store.jobs.get(id);
    const shot = this.#shots.get(id);
    if (!job || !shot) return;
    part(shot.element, 'title').textContent = job.title;
    const state = part(shot.element, 'state');
    state.textContent = text(`state.${job.state}`);
    state.dataset.state = job.state;
    const bar = /** @type {HTMLProgressElement} */ (shot.element.querySelector('progress'));
    bar.hidden = job.state !== 'running' && job.state !== 'paused';
    bar.value = job.total > 0 ? job.iteration / job.total : 0;
    this.#refresh(job, shot);
  }

  /** @param {Job} job @param {{element: HTMLElement, refreshed: number, source: string}} shot */
  #refresh(job, shot) {
    const now = performance.now();
    const source = address.jobThumbnail(job);
    if (source === shot.source || (job.state === 'running' && now - shot.refreshed < refresh)) return;
    shot.refreshed = now;
    shot.source = source;
    /** @type {HTMLImageElement} */ (shot.element.querySelector('img')).src = source;
  }

  #mark() {
    for (const [id, { element }] of this.#shots) {
      const button = /** @type {HTMLElement} */ (element.querySelector('button'));
      const current = id === this.#store.currentId;
      if (current) {
        button.setAttribute('aria-current', 'true');
        button.scrollIntoView({ block: 'nearest', inline: 'nearest' });
      } else {
        button.removeAttribute('aria-current');
      }
    }
  }
}
