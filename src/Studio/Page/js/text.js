/**
 * All words that people see. They come from text/LANGUAGE.json, so that a translation is one more file: English is
 * always read, and the browser's first language that has a file lies over it.
 */

/** @typedef {string | Record<string, string>} Entry A text, or one for each plural category of the language. */

const fallback = 'en';
const attributes = { 'data-label': 'aria-label', 'data-tip': 'title', 'data-placeholder': 'placeholder' };

/** @type {Record<string, Entry>} */
let entries = {};
let plurals = new Intl.PluralRules(fallback);

/** @type {string} The language of the words, for numbers and dates. */
export let language = fallback;

/** Reads the words and tells the document its language. */
export async function loadText() {
  entries = await read(fallback) ?? {};
  for (const wanted of navigator.languages) {
    const name = wanted.split('-')[0].toLowerCase();
    if (name === fallback) break;
    const translated = await read(name);
    if (!translated) continue;
    entries = { ...entries, ...translated };
    language = name;
    break;
  }

  plurals = new Intl.PluralRules(language);
  document.documentElement.lang = language;
  document.documentElement.dir = text('language.direction');
}

/**
 * Gives the words of a key. {name} in them is replaced by the value of that name, and the value `count` chooses the
 * plural.
 * @param {string} key
 * @param {Record<string, unknown>} [values]
 * @returns {string}
 */
export function text(key, values = {}) {
  const entry = entries[key] ?? key;
  const words = typeof entry === 'string' ? entry : entry[plurals.select(Number(values.count))] ?? entry.other;
  return words.replace(/\{(\w+)\}/g, (all, name) => String(values[name] ?? all));
}

/**
 * Gives the words of a key, or other words if the files have none: for names that the server adds.
 * @param {string} key
 * @param {string} otherwise
 */
export const textOr = (key, otherwise) => key in entries ? text(key) : otherwise;

/**
 * Fills in the words of all elements below one that name their keys.
 * @param {ParentNode} root
 */
export function fillText(root) {
  for (const element of root.querySelectorAll('[data-text]'))
    element.textContent = text(element.getAttribute('data-text') ?? '');
  for (const [from, to] of Object.entries(attributes))
    for (const element of root.querySelectorAll(`[${from}]`))
      element.setAttribute(to, text(element.getAttribute(from) ?? ''));
}

/** @param {string} name */
async function read(name) {
  const response = await fetch(`/page/text/${name}.json`);
  return response.ok ? /** @type {Promise<Record<string, Entry>>} */ (response.json()) : null;
}
