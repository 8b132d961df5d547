/** Puts the page together, and keeps it together with the server. */

import { announce } from './announce.js';
import { api, ApiError } from './api.js';
import { Compare } from './compare.js';
import { Controls } from './controls.js';
import { Details } from './details.js';
import { setUpDialogs } from './dialogs.js';
import { byId, say } from './dom.js';
import { listen } from './events.js';
import { Form } from './form.js';
import { Frames } from './frames.js';
import { History } from './history.js';
import { Jobs } from './jobs.js';
import { Learn } from './learn.js';
import { Live } from './live.js';
import { MaskEditor } from './masks.js';
import { setUpPaint } from './paint.js';
import { Pictures } from './pictures.js';
import { Plot } from './plot.js';
import { Run } from './run.js';
import { Settings } from './settings.js';
import { setUpShortcuts } from './shortcuts.js';
import { Stage } from './stage.js';
import { Store } from './store.js';
import { fillText, loadText, text } from './text.js';
import { Uploads } from './uploads.js';

await loadText();
fillText(document);
document.title = text('app.title');
try {
  await start();
} catch (failure) {
  if (!(failure instanceof ApiError)) throw failure;
  say(byId('banner'), failure.message);
}

async function start() {
  const store = new Store(await api.studio());
  const form = new Form(store.studio);
  const jobs = new Jobs(store);
  const stage = new Stage(store, form);
  const live = new Live(store, form, jobs);
  const frames = new Frames(store, stage, live);
  const run = new Run(store, jobs);
  const compare = new Compare(store);
  const learn = new Learn(store);
  const masks = new MaskEditor(form);
  new Pictures(store, form, masks);
  new Uploads(store, form);
  new Controls(store, form);
  new Settings(store, form);
  new Plot(store, frames);
  new History(store, jobs);
  new Details(store, form, jobs);
  setUpPaint(form, jobs);
  setUpDialogs();
  setUpShortcuts({
    paint: () => store.studio.readOnly || byId('controls').requestSubmit(),
    fresh: () => store.studio.readOnly || jobs.select(null),
    pause: () => run.pauseOrGoOn(),
    stop: () => run.stop(),
    compare: () => compare.toggle(),
    learn: () => learn.toggle(),
    mask: () => !store.studio.readOnly && form.kind === 'transfer' && form.styles.length > 0 && masks.edit(0, 'mask'),
    frame: steps => frames.step(steps),
  });
  byId('new').addEventListener('click', () => {
    jobs.select(null);
    announce(text('app.newDone'));
  });
  showNewContent(store, form, jobs);
  showStudio(store);
  store.on('studio', () => {
    form.use(store.studio);
    showStudio(store);
  });
  await jobs.load();
  follow(store, jobs);
}

/** @param {Store} store */
function showStudio({ studio }) {
  byId('machine').textContent = text('app.machine', { device: studio.device.description, weights: studio.weights });
  byId('read-only').hidden = !studio.readOnly;
  document.body.classList.toggle('read-only', studio.readOnly);
}

/**
 * Shows a new content picture on the stage, unless a run is to be seen there.
 * @param {Store} store
 * @param {Form} form
 * @param {Jobs} jobs
 */
function showNewContent(store, form, jobs) {
  let shown = form.content?.id;
  form.onChange(() => {
    const job = store.current;
    const fresh = form.content?.id !== shown;
    shown = form.content?.id;
    if (fresh && job?.content?.id !== shown && job?.result) jobs.select(null);
  });
}

/**
 * Follows the server's events.
 * @param {Store} store
 * @param {Jobs} jobs
 */
function follow(store, jobs) {
  let missed = false;
  listen(async ({ type, data }) => {
    if (type === 'job') jobs.changed(data);
    else if (type === 'gone') jobs.forget(data.id);
    else if (type === 'progress') jobs.progress(data);
    else if (type === 'notice') jobs.notice(data.id, data.text);
    else if (type === 'connection') connected(data);
    else if (type === 'hello') await greet(data.run);
  });

  /** @param {boolean} is */
  function connected(is) {
    missed ||= !is;
    say(byId('banner'), is ? null : text('error.connection'));
  }

  /** What happened while there was no connection is read again. @param {string} run */
  async function greet(run) {
    const other = run !== store.studio.run;
    if (!other && !missed) return;
    missed = false;
    try {
      if (other) {
        store.studio = await api.studio();
        store.emit('studio');
      }

      await jobs.load();
    } catch (failure) {
      if (!(failure instanceof ApiError)) throw failure;
      missed = true;
      say(byId('banner'), failure.message);
    }
  }
}
