/** The stage: the content picture while a new picture is prepared, then each frame of the run. */

import { address } from './api.js';
import { byId } from './dom.js';
import { text } from './text.js';

/**
 * @typedef {import('./store.js').Store} Store
 * @typedef {import('./form.js').Form} Form
 * @typedef {import('./api.js').Frame} Frame
 */

export class Stage {
  #store;
  #form;
  /** @type {{source: string, description: string} | null} What is shown, or on its way. */
  #wanted = null;
  /** What the stage is about, a job or the form; a picture of what it was about before is late. */
  #subject = {};
  #loading = false;

  /** @param {Store} store @param {Form} form */
  constructor(store, form) {
    this.#store = store;
    this.#form = form;
    store.on('current', () => {
      this.#subject = {};
      this.#showJob();
    });
    store.on('job', id => id === store.currentId && this.#showJob());
    form.onChange(() => store.current || this.#showContent());
    byId('expand').addEventListener('click', () => toggleFullScreen());
    byId('expand').hidden = !document.fullscreenEnabled;
    this.#showContent();
  }

  /** Shows a frame of the job on the stage. @param {Frame} frame */
  showFrame(frame) {
    const job = this.#store.current;
    if (!job) return;
    shape(job.width, job.height);
    this.#show(address.frame(job, frame.n), text('stage.frame', { title: job.title, iteration: frame.iteration }));
  }

  /** Until its first frame has come, a job is shown by its content picture. */
  #showJob() {
    const job = this.#store.current;
    if (!job) {
      this.#showContent();
      return;
    }

    // A job of the list is yet to be read; until then, nobody knows whether it has frames.
    if (job.frames?.length !== 0 || !job.content) return;
    shape(job.width, job.height);
    this.#show(address.view(job.content), job.content.name);
  }

  #showContent() {
    const { content } = this.#form;
    if (content) {
      shape(content.width, content.height);
      this.#show(address.view(content), content.name);
    } else {
      this.#clear();
    }
  }

  #clear() {
    this.#wanted = null;
    this.#subject = {};
    byId('picture').replaceChildren();
    byId('stage').style.removeProperty('--ratio');
    byId('empty').hidden = false;
    byId('easel').hidden = true;
  }

  /**
   * Shows a picture once it is ready to be drawn, so that the one before stays until then. Frames that come faster
   * than they can be decoded are left out.
   * @param {string} source
   * @param {string} description
   */
  async #show(source, description) {
    byId('empty').hidden = true;
    byId('easel').hidden = false;
    if (source === this.#wanted?.source) return;
    this.#wanted = { source, description };
    if (this.#loading) return;
    this.#loading = true;
    for (let last = null; this.#wanted && this.#wanted !== last;) {
      last = this.#wanted;
      await this.#load(last);
    }

    this.#loading = false;
  }

  /** @param {{source: string, description: string}} wanted */
  async #load(wanted) {
    const subject = this.#subject;
    const image = new Image();
    image.alt = wanted.description;
    image.src = wanted.source;
    try {
      await image.decode();
      if (subject === this.#subject) byId('picture').replaceChildren(image);
    } catch {
      // The server keeps only some frames of a long run; the one before stays.
      if (wanted === this.#wanted) this.#wanted = null;
    }
  }
}

/** Gives the stage the shape of a picture. @param {number} width @param {number} height */
function shape(width, height) {
  if (width > 0 && height > 0) byId('stage').style.setProperty('--ratio', String(width / height));
}

function toggleFullScreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else byId('stage').requestFullscreen();
}
