/** What can be done with the job on the stage, and what it was made of. */

import { announce } from './announce.js';
import { address, api, ApiError } from './api.js';
import { confirm } from './dialogs.js';
import { byId, say } from './dom.js';
import { megabytes, pixels } from './format.js';
import { text } from './text.js';

/**
 * @typedef {import('./store.js').Store} Store
 * @typedef {import('./form.js').Form} Form
 * @typedef {import('./jobs.js').Jobs} Jobs
 * @typedef {import('./api.js').Job} Job
 */

export class Details {
  #store;
  #form;
  #jobs;

  /** @param {Store} store @param {Form} form @param {Jobs} jobs */
  constructor(store, form, jobs) {
    this.#store = store;
    this.#form = form;
    this.#jobs = jobs;
    byId('again').addEventListener('click', () => this.#again());
    byId('delete').addEventListener('click', () => this.#delete());
    byId('explain').addEventListener('click', () => this.#explain());
    byId('copy').addEventListener('click', () => copyCommand());
    store.on('current', () => {
      say(byId('details-error'), null);
      this.#show();
    });
    store.on('job', id => id === store.currentId && this.#show());
  }

  #again() {
    const job = this.#store.current;
    if (!job) return;
    this.#form.takeFrom(job);
    announce(text('result.againDone', { title: job.title }));
    byId(job.kind === 'transfer' ? 'strength' : 'drawing-strength').focus();
  }

  async #explain() {
    if (this.#store.current?.explain !== 'making') await this.#try(job => api.explain(job.id));
  }

  async #delete() {
    const job = this.#store.current;
    if (job && await confirm(text('delete.text', { title: job.title }))) await this.#try(async () => {
      await api.remove(job.id);
      this.#jobs.forget(job.id);
      announce(text('delete.done', { title: job.title }));
    });
  }

  /** @param {(job: Job) => Promise<unknown>} action */
  async #try(action) {
    const job = this.#store.current;
    if (!job) return;
    say(byId('details-error'), null);
    try {
      await action(job);
    } catch (failure) {
      if (!(failure instanceof ApiError)) throw failure;
      say(byId('details-error'), failure.message);
    }
  }

  #show() {
    const job = this.#store.current;
    byId('details').hidden = !job;
    if (!job) return;
    byId('details-title').textContent = job.title;
    byId('details-facts').textContent = facts(job);
    showList('notices', job.notices);
    showDownloads(job);
    showExplain(job);
    showCommand(job);
    byId('changes-block').hidden = job.changes.length === 0;
    showList('changes', job.changes.map(change => text('changes.item', change)));
  }
}

/** @param {Job} job */
function facts(job) {
  const parts = [text('result.number', { number: job.number })];
  if (job.preset) parts.push(text('result.preset', { name: job.preset }));
  if (job.result) parts.push(pixels(job.result.width, job.result.height), megabytes(job.result.bytes));
  return parts.join(text('list.separator'));
}

/** @param {string} id @param {string[]} items */
function showList(id, items) {
  byId(id).hidden = items.length === 0;
  byId(id).replaceChildren(...items.map(words => {
    const item = document.createElement('li');
    item.textContent = words;
    return item;
  }));
}

/** @param {Job} job */
function showDownloads(job) {
  const row = byId('downloads');
  row.hidden = !job.result;
  for (const link of row.querySelectorAll('a')) link.remove();
  for (const format of job.result?.formats ?? []) {
    const link = document.createElement('a');
    link.className = 'button';
    link.href = address.result(job, format);
    link.download = '';
    link.textContent = text(`format.${format}`);
    row.append(link);
  }

  byId('recipe').hidden = !job.result;
  byId('recipe').href = address.recipe(job);
  byId('recipe').download = '';
}

/** @param {Job} job */
function showExplain(job) {
  const button = byId('explain');
  const link = byId('explanation');
  const hadFocus = document.activeElement === button;
  button.hidden = !job.result || job.kind !== 'transfer' || job.explain === 'ready';
  button.setAttribute('aria-disabled', String(job.explain === 'making'));
  button.textContent = text(`explain.${job.explain}`);
  link.hidden = job.explain !== 'ready';
  link.href = address.explanation(job);
  if (!hadFocus || link.hidden) return;
  link.focus();
  announce(text('explain.isReady'));
}

/** @param {Job} job */
function showCommand(job) {
  const finished = job.state === 'done' || job.state === 'stopped';
  byId('command-block').hidden = !finished;
  byId('command-line').hidden = job.command === null;
  byId('command').textContent = job.command ?? '';
  const why = text(job.changes.length > 0 ? 'command.changed' : 'command.none');
  say(byId('command-none'), job.command === null ? why : null);
}

async function copyCommand() {
  const code = byId('command');
  try {
    await navigator.clipboard.writeText(code.textContent);
    announce(text('command.copied'));
    byId('copy').classList.add('done');
    setTimeout(() => byId('copy').classList.remove('done'), 1500);
  } catch {
    // Without leave to write to the clipboard, the command is selected, for the keys that copy.
    getSelection()?.selectAllChildren(code);
  }
}
