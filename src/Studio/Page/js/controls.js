/** The controls that most people need. */

import { byId, fillSelect } from './dom.js';
import { percent, plain, short, times } from './format.js';
import { text, textOr } from './text.js';

/**
 * @typedef {import('./store.js').Store} Store
 * @typedef {import('./form.js').Form} Form
 */

export class Controls {
  #store;
  #form;

  /** @param {Store} store @param {Form} form */
  constructor(store, form) {
    this.#store = store;
    this.#form = form;
    onInput('strength', value => form.setFactor('style-weight', 2 ** Number(value)));
    onInput('stroke', value => form.setFactor('style-scale', 2 ** Number(value)));
    onCommit('colors', value => form.set('colors', value));
    onCommit('preset', value => form.setPreset(value));
    // An emptied field is the preset's value again.
    onCommit('size', value => form.set('size', value.trim() || null));
    onCommit('iterations', value => form.set('iterations', value.replaceAll(' ', '') || null));
    onInput('drawing-strength', value => form.setDrawing('strength', this.#strength(value)));
    onCommit('drawing-colors', value => form.setDrawing('colors', value));
    onCommit('drawing-size', value => form.setDrawing('size', value.trim()));
    store.on('studio', () => this.#fill());
    store.on(['current', 'job'], () => this.#showLive());
    form.onChange(() => this.#show());
    this.#fill();
  }

  #fill() {
    const { presets, settings, drawing } = this.#store.studio;
    fillSelect(byId('preset'), presets.map(({ name }) => ({ value: name, label: textOr(`preset.${name}`, name) })));
    fillSelect(byId('colors'), colorChoices(settings.find(setting => setting.name === 'colors')?.choices ?? []));
    fillSelect(byId('drawing-colors'), colorChoices(drawing.colors));
    const strength = byId('drawing-strength');
    strength.min = drawing.strength.min;
    strength.max = drawing.strength.max;
    this.#show();
  }

  #show() {
    const form = this.#form;
    byId('transfer-controls').hidden = form.kind !== 'transfer';
    byId('stylize-controls').hidden = form.kind !== 'stylize';
    this.#showFactor('strength', 'style-weight');
    this.#showFactor('stroke', 'style-scale');
    byId('colors').value = form.value('colors');
    byId('preset').value = form.preset;
    const { description = '', source = '' } = this.#store.studio.presets.find(each => each.name === form.preset) ?? {};
    byId('preset-hint').textContent = text('preset.about', { description, source });
    byId('size').value = form.value('size');
    byId('iterations').value = form.value('iterations');
    const { drawing } = this.#store.studio;
    const strength = Number(form.drawing.strength ?? drawing.strength.default);
    byId('drawing-strength').value = String(strength);
    byId('drawing-strength-value').textContent = percent(strength);
    byId('drawing-colors').value = form.drawing.colors ?? drawing.colors[0];
    byId('drawing-size').value = form.drawing.size ?? '';
    this.#showLive();
  }

  #showLive() {
    const { live } = this.#store;
    byId('live-hint').hidden = !live || !this.#form.hasPicturesOf(live);
  }

  /** @param {string} id @param {string} name */
  #showFactor(id, name) {
    const slider = byId(id);
    const factor = this.#form.factor(name);
    const words = text(`${id}.value`, { factor: times(factor), value: short(Number(this.#form.value(name))) });
    slider.value = String(Math.log2(factor || 2 ** Number(slider.min)));
    slider.setAttribute('aria-valuetext', words);
    byId(`${id}-value`).textContent = words;
  }

  /** @param {string} value */
  #strength(value) {
    return Number(value) === this.#store.studio.drawing.strength.default ? null : plain(Number(value));
  }
}

/** @param {string[]} choices */
const colorChoices = choices => choices.map(value => ({ value, label: textOr(`colors.${value}`, value) }));

/** @param {string} id @param {(value: string) => void} take */
const onInput = (id, take) => byId(id).addEventListener('input', () => take(byId(id).value));

/** Takes a value when it is complete, not at every key. @param {string} id @param {(value: string) => void} take */
const onCommit = (id, take) => byId(id).addEventListener('change', () => take(byId(id).value));
