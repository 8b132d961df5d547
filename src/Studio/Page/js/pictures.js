/** The choice of pictures: content, styles, samples and models. */

import { address } from './api.js';
import { byId, fromTemplate, part, say } from './dom.js';
import { short } from './format.js';
import { text } from './text.js';
import { useAs } from './uploads.js';

/**
 * @typedef {import('./store.js').Store} Store
 * @typedef {import('./form.js').Form} Form
 * @typedef {import('./masks.js').MaskEditor} MaskEditor
 */

export class Pictures {
  #store;
  #form;
  #masks;
  /** @type {string} The styles that the cards show; a card is kept while only its weight changes. */
  #shown = '';

  /** @param {Store} store @param {Form} form @param {MaskEditor} masks */
  constructor(store, form, masks) {
    this.#store = store;
    this.#form = form;
    this.#masks = masks;
    for (const radio of this.#kinds())
      radio.addEventListener('change', () => form.setKind(/** @type {any} */ (radio.value)));
    store.on('studio', () => this.#fill());
    form.onChange(() => this.#show());
    this.#fill();
    this.#show();
  }

  #fill() {
    const { samples, models } = this.#store.studio;
    for (const place of /** @type {const} */ (['content', 'style']))
      byId(`${place}-samples`).replaceChildren(...samples.filter(sample => sample.role === place).map(sample => {
        const name = title(sample.name);
        return tile(sample.id, text(`sample.${place}`, { name }), name, address.thumbnail(sample),
          () => useAs(place, sample, this.#form));
      }));
    byId('models').replaceChildren(...models.map(model =>
      tile(model.name, `${model.name}: ${model.description}`, title(model.name), model.thumbnail,
        () => this.#form.setModel(model.name))));
    // Without models there is nothing to choose between.
    byId('style-zone').classList.toggle('no-models', models.length === 0);
  }

  #show() {
    const form = this.#form;
    for (const radio of this.#kinds()) radio.checked = radio.value === form.kind;
    byId('from-pictures').hidden = form.kind !== 'transfer';
    byId('from-models').hidden = form.kind !== 'stylize';
    this.#showContent();
    this.#showStyles();
    mark('content-samples', id => id === form.content?.id);
    mark('style-samples', id => form.styles.some(style => style.picture.id === id));
    mark('models', name => name === form.model);
    if (form.content) say(byId('content-error'), null);
    if (form.styles.length > 0) say(byId('style-error'), null);
    if (form.model) say(byId('model-error'), null);
  }

  #showContent() {
    const { content } = this.#form;
    const image = byId('content-thumbnail');
    image.hidden = !content;
    byId('content-drop').classList.toggle('full', content !== null);
    byId('content-name').textContent = content ? text('content.chosen', content) : text('content.drop');
    if (content && image.getAttribute('src') !== address.thumbnail(content)) this.#load(image, content, 'content');
  }

  #showStyles() {
    const { styles } = this.#form;
    byId('style-drop').classList.toggle('full', styles.length > 0);
    const shape = JSON.stringify(styles.map(({ picture, mask, styleMask }) => [picture.id, mask?.id, styleMask?.id]));
    const list = byId('styles');
    if (shape !== this.#shown) {
      this.#shown = shape;
      list.replaceChildren(...styles.map((style, index) => this.#card(style, index)));
    }

    styles.forEach((style, index) => showWeight(list.children[index], style.weight, styles.length > 1));
  }

  /** @param {import('./api.js').Style} style @param {number} index */
  #card(style, index) {
    const card = fromTemplate('style-card');
    const { name } = style.picture;
    this.#load(part(card, 'thumbnail'), style.picture, 'style');
    part(card, 'name').textContent = title(name);
    part(card, 'name').title = name;
    const remove = part(card, 'remove');
    remove.setAttribute('aria-label', text('style.remove', { name }));
    remove.title = text('style.remove', { name });
    remove.addEventListener('click', () => {
      this.#form.removeStyle(index);
      byId('style-file').focus();
    });
    const weight = part(card, 'weight');
    weight.setAttribute('aria-label', text('style.weightOf', { name }));
    weight.addEventListener('input', () => this.#form.setWeight(index, Number(weight.value)));
    for (const [which, key] of /** @type {const} */ ([['mask', 'mask'], ['style-mask', 'styleMask']])) {
      const button = part(card, which);
      // The focus finds the button of the new card after a mask was saved.
      button.id = `${which}-${index}`;
      button.setAttribute('aria-pressed', String(style[key] !== null));
      button.title = text(`mask.hint.${key}`, { name });
      button.addEventListener('click', () => this.#masks.edit(index, key));
    }

    return card;
  }

  /**
   * Shows a thumbnail. A picture that the tab remembered, but the server no longer keeps, leaves the form.
   * @param {HTMLImageElement} image @param {import('./api.js').Picture} picture @param {'content' | 'style'} place
   */
  #load(image, picture, place) {
    image.src = address.thumbnail(picture);
    image.onerror = async () => {
      const answer = await fetch(image.src).catch(() => null);
      if (answer?.status !== 404) return;
      this.#form.forget(picture.id);
      say(byId(`${place}-error`), text('pictures.gone', { name: picture.name }));
    };
  }

  /** @returns {NodeListOf<HTMLInputElement>} */
  #kinds() {
    return document.querySelectorAll('input[name="kind"]');
  }
}

/**
 * @param {string} id
 * @param {string} tip
 * @param {string} name
 * @param {string} source
 * @param {() => void} choose
 */
function tile(id, tip, name, source, choose) {
  const element = fromTemplate('tile');
  const button = /** @type {HTMLButtonElement} */ (element.firstElementChild);
  button.dataset.id = id;
  button.title = tip;
  button.addEventListener('click', choose);
  /** @type {HTMLImageElement} */ (button.querySelector('img')).src = source;
  part(button, 'name').textContent = name;
  return element;
}

/** @param {string} list @param {(id: string) => boolean} chosen */
function mark(list, chosen) {
  for (const button of byId(list).querySelectorAll('button'))
    button.setAttribute('aria-pressed', String(chosen(button.dataset.id)));
}

/** @param {Element} card @param {number} weight @param {boolean} several */
function showWeight(card, weight, several) {
  // One style alone has all the weight.
  part(card, 'weight-line').hidden = !several;
  part(card, 'weight').value = String(weight);
  part(card, 'weight-value').textContent = short(weight);
}

/** A file's name without its ending, with spaces for the words' dashes. @param {string} name */
const title = name => name.replace(/\.\w{1,4}$/, '').replaceAll('-', ' ');
