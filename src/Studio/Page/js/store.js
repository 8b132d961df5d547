/** What the page knows of the server: the studio, its jobs, and which of them is on the stage. */

/**
 * @typedef {import('./api.js').Job} Job
 * @typedef {'studio' | 'jobs' | 'current' | 'job' | 'progress'} Topic
 *   studio: another studio (at the start, or after the server's start); jobs: the list of jobs; current: another job is
 *   on the stage; job: a job has changed (detail: its id); progress: a job has gone on (detail: its id).
 */

export class Store {
  /** @type {import('./api.js').Studio} */
  studio;

  /** @type {Map<string, Job>} By id, the newest first. */
  jobs = new Map();

  /** @type {string | null} The job on the stage; null while a new one is prepared. */
  currentId = null;

  #events = new EventTarget();

  /** @param {import('./api.js').Studio} studio */
  constructor(studio) {
    this.studio = studio;
  }

  /** The job on the stage. */
  get current() {
    return this.currentId === null ? null : this.jobs.get(this.currentId) ?? null;
  }

  /** The job on the stage if its settings can be changed while it runs. */
  get live() {
    const job = this.current;
    return job?.kind === 'transfer' && (job.state === 'running' || job.state === 'paused') ? job : null;
  }

  /**
   * @param {Topic | Topic[]} topics
   * @param {(detail: any) => void} listener
   */
  on(topics, listener) {
    for (const topic of [topics].flat())
      this.#events.addEventListener(topic, event => listener(/** @type {CustomEvent} */ (event).detail));
  }

  /**
   * @param {Topic} topic
   * @param {unknown} [detail]
   */
  emit(topic, detail) {
    this.#events.dispatchEvent(new CustomEvent(topic, { detail }));
  }
}
