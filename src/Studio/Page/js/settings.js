/** All settings of a transfer, as the server describes them. */

import { byId, fillSelect, fromTemplate, part } from './dom.js';
import { text, textOr } from './text.js';

/**
 * @typedef {import('./api.js').Setting} Setting
 * @typedef {import('./store.js').Store} Store
 * @typedef {import('./form.js').Form} Form
 */

export class Settings {
  #store;
  #form;
  /** @type {Array<{setting: Setting, input: any, reset: HTMLElement}>} */
  #rows = [];

  /** @param {Store} store @param {Form} form */
  constructor(store, form) {
    this.#store = store;
    this.#form = form;
    store.on('studio', () => this.#build());
    form.onChange(() => this.#show());
    this.#build();
  }

  #build() {
    this.#rows = [];
    /** @type {Map<string, Setting[]>} */
    const groups = new Map();
    for (const setting of this.#store.studio.settings)
      groups.set(setting.group, [...groups.get(setting.group) ?? [], setting]);
    byId('settings').replaceChildren(...[...groups].map(([group, settings]) => this.#group(group, settings)));
    this.#show();
  }

  /** @param {string} group @param {Setting[]} settings */
  #group(group, settings) {
    const element = document.createElement('fieldset');
    const legend = document.createElement('legend');
    legend.textContent = textOr(`settings.group.${group}`, group);
    element.append(legend, ...settings.filter(setting => !setting.rare).map(setting => this.#row(setting)));
    const rare = settings.filter(setting => setting.rare);
    if (rare.length > 0) {
      const more = document.createElement('details');
      const summary = document.createElement('summary');
      summary.textContent = text('settings.rare', { count: rare.length });
      more.append(summary, ...rare.map(setting => this.#row(setting)));
      element.append(more);
    }

    return element;
  }

  /** @param {Setting} setting */
  #row(setting) {
    const row = fromTemplate('setting-row');
    const id = `setting-${setting.name}`;
    row.dataset.field = setting.name;
    const input = makeInput(setting);
    input.id = id;
    input.setAttribute('aria-describedby', `${id}-help`);
    input.addEventListener('change', () => this.#form.set(setting.name, valueOf(input) || null));
    part(row, 'input').append(input);
    part(row, 'label').textContent = setting.name;
    part(row, 'label').htmlFor = id;
    part(row, 'help').textContent = setting.help;
    part(row, 'help').id = `${id}-help`;
    const reset = part(row, 'reset');
    reset.addEventListener('click', () => {
      this.#form.set(setting.name, null);
      input.focus();
    });
    this.#rows.push({ setting, input, reset });
    return row;
  }

  #show() {
    for (const { setting: { name }, input, reset } of this.#rows) {
      if (input.type === 'checkbox') input.checked = this.#form.value(name) === 'true';
      else input.value = this.#form.value(name);
      reset.hidden = !(name in this.#form.settings);
    }

    const count = Object.keys(this.#form.settings).length;
    byId('settings-count').textContent = count > 0 ? text('settings.changed', { count }) : '';
  }
}

/** @param {Setting} setting @returns {HTMLInputElement | HTMLSelectElement} */
function makeInput(setting) {
  if (setting.choices) {
    const select = document.createElement('select');
    fillSelect(select, setting.choices.map(choice => ({ value: choice, label: choice })));
    return select;
  }

  const input = document.createElement('input');
  input.type = setting.kind === 'flag' ? 'checkbox' : 'text';
  input.autocomplete = 'off';
  input.spellcheck = false;
  if (setting.kind === 'number') input.inputMode = 'decimal';
  if (setting.kind === 'integer') input.inputMode = 'numeric';
  return input;
}

/** @param {any} input */
const valueOf = input => input.type === 'checkbox' ? String(input.checked) : input.value.trim();
