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
  /** @type {string | null} The address that is shown, or on its way. */
  #wanted = null;
  #loading = false;

  /** @param {Store} store @param {Form} form */
  constructor(store, form) {
    this.#store = store;
    this.#form = form;
    store.on('current', () => this.#showJob());
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

    shape(job.width, job.height);
    if (job.frames?.length || !job.content) return;
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
    if (source === this.#wanted) return;
    this.#wanted = source;
    if (this.#loading) return;
    this.#loading = true;
    const image = new Image();
    image.alt = description;
    image.src = source;
    let shown = false;
    try {
      await image.decode();
      // While the picture was on its way, the stage may have been cleared.
      if (this.#wanted !== null) byId('picture').replaceChildren(image);
      shown = true;
    } catch {
      // The server keeps only some frames of a long run; the one before stays.
    }

    this.#loading = false;
    const next = this.#wanted;
    if (next === null || next === source) {
      if (!shown) this.#wanted = null;
      return;
    }

    this.#wanted = null;
    await this.#show(next, description);
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
