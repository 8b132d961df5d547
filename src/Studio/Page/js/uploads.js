/** Brings pictures to the server: chosen, dropped, pasted or taken with the camera. */

import { announce } from './announce.js';
import { api, ApiError } from './api.js';
import { takePicture } from './camera.js';
import { byId, say } from './dom.js';
import { megabytes } from './format.js';
import { text } from './text.js';

/**
 * @typedef {import('./store.js').Store} Store
 * @typedef {import('./form.js').Form} Form
 * @typedef {'content' | 'style'} Place
 */

/** @type {Place[]} */
const places = ['content', 'style'];

export class Uploads {
  #store;
  #form;

  /** @param {Store} store @param {Form} form */
  constructor(store, form) {
    this.#store = store;
    this.#form = form;
    // A picture that is dropped beside the places for it must not replace the page.
    for (const name of ['dragover', 'drop']) addEventListener(name, event => event.preventDefault());
    if (store.studio.readOnly) return;
    for (const place of places) {
      const input = /** @type {HTMLInputElement} */ (byId(`${place}-file`));
      input.addEventListener('change', async () => {
        await this.#bring(place, [...input.files ?? []]);
        // The same file can be chosen again, after it was changed.
        input.value = '';
      });
      this.#takeDrops(byId(`${place}-zone`), () => place);
      document.querySelector(`[data-camera="${place}"]`)?.addEventListener('click', async () => {
        const file = await takePicture();
        if (file) await this.#bring(place, [file]);
      });
    }

    this.#landOnStage();
    document.addEventListener('paste', event => this.#paste(event));
  }

  /**
   * Uploads pictures and puts them where they belong.
   * @param {Place} place
   * @param {File[]} files
   */
  async #bring(place, files) {
    const error = byId(`${place}-error`);
    const zone = byId(`${place}-drop`);
    say(error, null);
    zone.classList.add('busy');
    try {
      for (const file of place === 'content' ? files.slice(0, 1) : files) {
        this.#refuseTooLarge(file);
        announce(text('pictures.reading', { name: file.name }));
        useAs(place, await api.upload(file, file.name), this.#form);
      }
    } catch (failure) {
      if (!(failure instanceof ApiError)) throw failure;
      say(error, failure.message);
    } finally {
      zone.classList.remove('busy');
    }
  }

  /** @param {File} file */
  #refuseTooLarge(file) {
    const most = this.#store.studio.limits.uploadBytes;
    if (file.size > most)
      throw new ApiError(text('error.tooLarge', { name: file.name, most: megabytes(most) }), 413, null);
  }

  /** @param {HTMLElement} element @param {(target: Element) => Place | null} placeOf */
  #takeDrops(element, placeOf) {
    element.addEventListener('dragover', () => element.classList.add('over'));
    element.addEventListener('dragleave', event => {
      if (!element.contains(/** @type {Node | null} */ (event.relatedTarget))) element.classList.remove('over');
    });
    element.addEventListener('drop', event => {
      event.preventDefault();
      element.classList.remove('over');
      const place = placeOf(/** @type {Element} */ (event.target));
      const files = pictures(event.dataTransfer);
      if (place && files.length > 0) this.#bring(place, files);
    });
  }

  /** Shows both places on the stage while files are dragged over the page. */
  #landOnStage() {
    const landing = byId('landing');
    addEventListener('dragenter', event => {
      if (event.dataTransfer?.types.includes('Files')) landing.hidden = false;
    });
    addEventListener('dragleave', event => {
      if (event.relatedTarget === null) landing.hidden = true;
    });
    addEventListener('drop', () => landing.hidden = true, { capture: true });
    for (const zone of landing.querySelectorAll('[data-land]'))
      this.#takeDrops(zone, () => /** @type {Place} */ (zone.getAttribute('data-land')));
  }

  /** @param {ClipboardEvent} event */
  #paste(event) {
    const files = pictures(event.clipboardData);
    if (files.length === 0 || document.querySelector('dialog[open]')) return;
    event.preventDefault();
    const inStyles = byId('style-zone').contains(document.activeElement);
    const place = inStyles || (this.#form.content && this.#form.styles.length === 0) ? 'style' : 'content';
    announce(text(`pictures.pasted.${place}`));
    this.#bring(place, files);
  }
}

/**
 * Puts a picture of the server where it belongs.
 * @param {Place} place
 * @param {import('./api.js').Picture} picture
 * @param {Form} form
 */
export function useAs(place, picture, form) {
  if (place === 'style') form.addStyle(picture);
  const lostMasks = place === 'content' && form.setContent(picture);
  announce(text(lostMasks ? 'mask.lost' : `pictures.used.${place}`, { name: picture.name }));
}

/** @param {DataTransfer | null} data */
const pictures = data => [...data?.files ?? []];
