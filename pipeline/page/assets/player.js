// An episode's page; stands behind site.js in the same function.

const clock = (time) => {
  const parts = [Math.floor(time / 60) % 60, Math.floor(time) % 60];
  if (time >= 3600) { parts.unshift(Math.floor(time / 3600)); }
  return parts.map((part, index) => index && part < 10 ? "0" + part : part).join(":");
};

// The printed place (?A1) and ?t= stay out of what is passed on.
const startShare = (button) => {
  const address = location.href.split(/[?#]/)[0];
  const say = (words) => { find("[data-shared]").textContent = words; };
  on(button, "click", () => {
    if (/MicroMessenger/.test(navigator.userAgent)) { say("请点微信右上角的“…”，选“转发给朋友”。"); }
    else if (navigator.share) { navigator.share({ title: document.title, url: address }).catch(() => say("")); }
    else if (navigator.clipboard) { navigator.clipboard.writeText(address).then(() => say("网址已复制，到聊天里粘贴就能发给家人。"), () => say(address)); }
    else { say(address); }
  });
};

const startPlayer = (sound) => {
  const play = find("[data-play]"), seek = find("[data-seek]"), speed = find("[data-speed]"), sleep = find("[data-sleep]");
  const note = find("[data-note]"), trouble = find("[data-trouble]"), body = document.body;
  const lists = [".chapters a", ".transcript span[data-at]"].map((selector) => ({ marks: all(selector), lit: null }));
  const at = (mark) => Number(data(mark, "at") || mark.hash.slice(3));
  const key = "position-" + data(sound, "number");
  // Nothing is fetched before the first tap, so a wish to start elsewhere waits until the sound is there.
  let wished = null, wanted = false, dragging = false, kept = 0, patience = 0, sleepsAt = 0, dozing = 0;

  const duration = () => sound.duration > 0 && isFinite(sound.duration) ? sound.duration : Number(data(sound, "duration"));
  const position = () => wished === null ? sound.currentTime : wished;

  // Of the chapters, and of the sentences, the last one begun.
  const light = (time) => lists.forEach((list) => {
    const begun = list.marks.filter((mark) => time > 0 && at(mark) <= time + 0.05).pop();
    if (begun === list.lit) { return; }
    if (list.lit) { list.lit.removeAttribute("aria-current"); }
    if (begun) { begun.setAttribute("aria-current", "true"); }
    list.lit = begun;
  });
  const show = (time) => {
    if (!dragging) { seek.value = time; }
    seek.setAttribute("aria-valuetext", clock(time) + "，共 " + clock(duration()));
    body.style.setProperty("--played", Math.min(100, 100 * time / duration()).toFixed(2) + "%");
    find("[data-now]").textContent = clock(time);
    light(time);
  };
  const goTo = (time) => {
    time = Math.max(0, Math.min(time, duration() - 0.2));
    if (sound.readyState > 0) { wished = null; sound.currentTime = time; } else { wished = time; }
    show(time);
  };
  const keep = () => {
    kept = position();
    if (kept > 0 && !sound.ended) { remember(key, kept.toFixed(1)); }
  };

  // What is wrong, if anything, and a way to go on.
  const say = (words) => {
    clearTimeout(patience);
    trouble.hidden = !words;
    trouble.firstChild.textContent = words;
  };
  const run = (running) => {
    wanted = running;
    body.classList.toggle("playing", running);
    find("[data-play-words]").textContent = running ? "暂停" : "播放";
  };
  const failed = () => {
    run(false);
    if (navigator.onLine === false) { say("手机没有连上网，声音放不出来。连上以后再试。"); }
    else if (sound.error && sound.error.code === 3) { say("声音放到这里出了毛病。再试还是不行，请打页面下面的电话告诉我们。"); }
    else { say("声音没有取到，可能是网络不好。过一会儿再试，或者先看文字稿。"); }
  };
  const begin = () => {
    say("");
    if (sound.error) { wished = position(); sound.load(); }
    run(true);
    const started = sound.play();
    if (!started) { return; }
    started.catch((reason) => {
      if (reason.name === "NotAllowedError") { run(false); say("请再按一次“播放”。"); }
      else if (reason.name !== "AbortError") { failed(); }
    });
  };

  // The moment counts and not the timer alone, which a phone in a pocket may hold back.
  const doze = () => {
    clearTimeout(dozing);
    if (!sleepsAt) { return; }
    const left_ms = sleepsAt - Date.now();
    if (left_ms > 0) {
      note.textContent = Math.ceil(left_ms / 60000) + " 分钟后停";
      dozing = setTimeout(doze, Math.min(left_ms, 5000));
    } else {
      sleepsAt = 0;
      sleep.value = "0";
      note.textContent = "到时间停了";
      sound.pause();
    }
  };

  sound.controls = false;

  on(play, "click", () => { if (wanted) { run(false); sound.pause(); } else { begin(); } });
  on(find("[data-retry]"), "click", begin);
  all("[data-skip]").forEach((button) => on(button, "click", () => goTo(position() + Number(data(button, "skip")))));
  all("[data-at], .at, .chapters a").forEach((mark) => on(mark, "click", (event) => {
    const link = event.target.closest("a");
    if (link && link !== mark) { return; }
    event.preventDefault();
    goTo(at(mark));
    begin();
  }));
  on(seek, "input", () => { dragging = true; show(Number(seek.value)); });
  on(seek, "change", () => { dragging = false; goTo(Number(seek.value)); });
  const hurry = () => { sound.defaultPlaybackRate = sound.playbackRate = Number(speed.value); };
  on(speed, "change", () => { hurry(); remember("speed", speed.value); });
  on(sleep, "change", () => {
    sleepsAt = sleep.value > 0 && Date.now() + sleep.value * 60000;
    note.textContent = "";
    doze();
  });

  on(sound, "loadedmetadata", () => {
    seek.max = duration();
    if (wished !== null) { goTo(wished); }
  });
  on(sound, "timeupdate", () => {
    if (wished !== null || dragging) { return; }
    show(sound.currentTime);
    doze();
    if (Math.abs(sound.currentTime - kept) > 5) { keep(); }
  });
  on(sound, "play", () => run(true));
  on(sound, "playing", () => say(""));
  on(sound, "pause", () => { keep(); run(false); });
  on(sound, "ended", () => { remember(key, 0); goTo(0); run(false); });
  on(sound, "error", failed);
  on(sound, "waiting", () => {
    clearTimeout(patience);
    patience = setTimeout(() => say(navigator.onLine === false ? "手机没有连上网。连上以后再试。" : "网络有点慢，正在取声音，请稍等。"), 4000);
  });
  on(window, "pagehide", keep);

  // One sound at a time, also across windows.
  if (window.BroadcastChannel) {
    const others = new BroadcastChannel("playing");
    on(sound, "play", () => others.postMessage(key));
    others.onmessage = () => sound.pause();
  }

  // The lock screen and the buttons of a headset; an older browser has fewer of them.
  const session = navigator.mediaSession;
  if (session && window.MediaMetadata) {
    session.metadata = new MediaMetadata({
      title: data(sound, "title"),
      artist: data(sound, "author"),
      artwork: all(".poster img").map((poster) => ({ src: poster.src }))
    });
    const handle = (action, handler) => { try { session.setActionHandler(action, handler); } catch (unknown) { return; } };
    handle("play", begin);
    handle("pause", () => sound.pause());
    handle("seekbackward", () => goTo(position() - 15));
    handle("seekforward", () => goTo(position() + 15));
    handle("seekto", (asked) => goTo(asked.seekTime));
    if (session.setPositionState) {
      on(sound, "playing seeked ratechange", () => session.setPositionState({
        duration: duration(), playbackRate: sound.playbackRate, position: Math.min(position(), duration())
      }));
    }
  }

  // ?t=95 or ?t=1:35
  const asked = /[?&]t=([\d:.]+)/.exec(location.search);
  const before = Number(recall(key));
  if (asked) { goTo(asked[1].split(":").reduce((sum, part) => sum * 60 + Number(part), 0) || 0); }
  else if (before > 1) { goTo(before); note.textContent = "上次听到这里"; }
  else { show(0); }
  speed.value = recall("speed") || "1";
  if (speed.selectedIndex < 0) { speed.value = "1"; }
  hurry();
};

on(document, "DOMContentLoaded", () => {
  all("[data-share]").forEach(startShare);
  all("[data-sound]").forEach(startPlayer);
});
