// Renews the part of the page that is live, once a second while the page is visible. Without this
// script the page is complete, and renews itself as a whole.
'use strict';
(() => {
  const live = document.getElementById('live');
  const main = document.querySelector('main');
  if (document.querySelector('nav b') === null) return; // a page of one thing, or of a result
  let stopped = false;

  const button = document.createElement('button');
  const label = () => { button.textContent = stopped ? 'go on' : 'stop'; };
  button.type = 'button';
  button.addEventListener('click', () => { stopped = !stopped; label(); });
  label();
  live.after(button);

  const say = (text, off) => { live.textContent = text; live.className = off ? 'off' : ''; };

  // busy: somebody types in the live part, or has selected something there.
  const busy = () => main.contains(document.activeElement) && document.activeElement.tagName === 'INPUT' ||
    (!getSelection().isCollapsed && main.contains(getSelection().anchorNode));

  async function renew() {
    if (stopped || document.hidden || busy()) return;
    try {
      const answer = await fetch(location.href, { headers: { 'X-Part': '1' }, signal: AbortSignal.timeout(5000) });
      if (!answer.ok) { say(`the server answers ${answer.status}`, true); return; }
      const text = await answer.text();
      if (stopped || busy()) return;
      const open = [...main.querySelectorAll('details[open]')].map(d => d.id);
      const places = [...main.querySelectorAll('.scroll')].map(d => d.scrollLeft);
      main.innerHTML = text;
      for (const id of open) { const d = document.getElementById(id); if (d) d.open = true; }
      main.querySelectorAll('.scroll').forEach((d, i) => { d.scrollLeft = places[i] || 0; });
      say(new Date().toLocaleTimeString(), false);
    } catch {
      say('the server does not answer', true);
    }
  }
  (async () => {
    for (;;) {
      await new Promise(done => setTimeout(done, 1000));
      await renew();
    }
  })();
})();
