/** The scrubber over a run's frames. */

import { byId } from './dom.js';
import { pixels } from './format.js';
import { text } from './text.js';

/**
 * @typedef {import('./store.js').Store} Store
 * @typedef {import('./api.js').Frame} Frame
 */

export class Frames {
  #store;
  #stage;
  #input = /** @type {HTMLInputElement} */ (byId('scrubber'));
  /** @type {number | null} The number of the frame that a person has gone back to; null follows the run. */
  #chosen = null;
  #events = new EventTarget();

  /**
   * @param {Store} store
   * @param {import('./stage.js').Stage} stage
   * @param {import('./live.js').Live} live
   */
  constructor(store, stage, live) {
    this.#store = store;
    this.#stage = stage;
    this.#input.addEventListener('input', () => this.#choose(Number(this.#input.value)));
    byId('latest').addEventListener('click', () => {
      this.#follow();
      this.#input.focus();
    });
    byId('back-to').addEventListener('click', async () => {
      const frame = this.shown;
      this.#follow();
      this.#input.focus();
      if (frame) await live.goBackTo(frame);
    });
    store.on('current', () => this.#follow());
    store.on(['job', 'progress'], id => id === store.currentId && this.#show());
  }

  /** The frame on the stage. @returns {Frame | null} */
  get shown() {
    const frames = this.#frames;
    return frames.find(frame => frame.n === this.#chosen) ?? frames.at(-1) ?? null;
  }

  /** Calls a listener when another frame is shown. @param {() => void} listener */
  onShow(listener) {
    this.#events.addEventListener('show', listener);
  }

  /** Shows the frame before or after. @param {number} steps */
  step(steps) {
    this.#choose(Number(this.#input.value) + steps);
  }

  get #frames() {
    return this.#store.current?.frames ?? [];
  }

  #follow() {
    this.#chosen = null;
    this.#show();
  }

  /** @param {number} index */
  #choose(index) {
    const frames = this.#frames;
    const last = frames.length - 1;
    this.#chosen = index >= last ? null : frames[Math.max(0, index)].n;
    this.#show();
  }

  #show() {
    const frames = this.#frames;
    const frame = this.shown;
    byId('scrub').hidden = frames.length < 2;
    if (!frame) return;
    const index = frames.indexOf(frame);
    const words = text('frames.place', { iteration: frame.iteration, size: pixels(frame.width, frame.height) });
    this.#input.max = String(frames.length - 1);
    this.#input.value = String(index);
    this.#input.setAttribute('aria-valuetext', words);
    byId('scrub-place').textContent = words;
    const earlier = index < frames.length - 1;
    byId('latest').hidden = !earlier;
    byId('back-to').hidden = !earlier || !this.#store.live;
    this.#stage.showFrame(frame);
    this.#events.dispatchEvent(new Event('show'));
  }
}
