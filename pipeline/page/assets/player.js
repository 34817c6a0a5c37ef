/* Makes the pages comfortable; without it the native player, the links and the words all work.
   Written for the browsers inside WeChat: no syntax newer than 2017. */
(function () {
  "use strict";

  // Kept on this phone only. Private windows refuse storage; then nothing is remembered and nothing breaks.
  function remember(key, value) {
    try { window.localStorage.setItem(key, value); } catch (refused) { /* nothing to keep it in */ }
  }
  function recall(key) {
    try { return window.localStorage.getItem(key); } catch (refused) { return null; }
  }
  function forget(key) {
    try { window.localStorage.removeItem(key); } catch (refused) { /* nothing was kept */ }
  }
  function find(selector) { return document.querySelector(selector); }
  function all(selector) { return Array.prototype.slice.call(document.querySelectorAll(selector)); }

  // 大字: three sizes in turn; the button says what a tap will do.
  var SIZES = ["standard", "large", "largest"];
  var NEXT_SIZE_WORDS = { standard: "大字", large: "特大字", largest: "标准字" };
  function showSize(size) {
    document.documentElement.setAttribute("data-text", size);
    find("[data-text-size]").textContent = NEXT_SIZE_WORDS[size];
  }
  function startTextSize() {
    var button = find("[data-text-size]");
    var size = recall("text-size");
    showSize(SIZES.indexOf(size) < 0 ? "standard" : size);
    button.hidden = false;
    button.addEventListener("click", function () {
      var now = document.documentElement.getAttribute("data-text");
      var next = SIZES[(SIZES.indexOf(now) + 1) % SIZES.length];
      showSize(next);
      remember("text-size", next);
    });
  }

  // Copy the feed's address.
  function startCopy(button) {
    var field = document.getElementById(button.getAttribute("data-copy"));
    var said = find("[data-copied]");
    function say(done) { said.textContent = done ? "已复制，到播客软件里粘贴就好。" : "请长按上面的地址，选“全选”“复制”。"; }
    button.hidden = false;
    button.addEventListener("click", function () {
      field.focus();
      field.select();
      field.setSelectionRange(0, field.value.length);
      if (navigator.clipboard && navigator.clipboard.writeText) {
        navigator.clipboard.writeText(field.value).then(function () { say(true); }, function () { say(document.execCommand("copy")); });
      } else {
        say(document.execCommand("copy"));
      }
    });
  }

  function clock(time) {
    var seconds = Math.floor(time);
    var two = function (number) { return (number < 10 ? "0" : "") + number; };
    var hours = Math.floor(seconds / 3600);
    var minutes = Math.floor(seconds / 60) % 60;
    return (hours ? hours + ":" + two(minutes) : minutes) + ":" + two(seconds % 60);
  }

  // ?t=95, ?t=1:35 or ?t=1m35s
  function askedTime() {
    var match = /[?&]t=([0-9:hms.]+)/.exec(window.location.search);
    if (!match) { return null; }
    var parts = match[1].replace(/[hm]/g, ":").replace(/s$/, "").split(":").map(Number);
    var time = parts.reduce(function (sum, part) { return sum * 60 + (part || 0); }, 0);
    return isFinite(time) ? time : null;
  }

  function startPlayer(sound) {
    var play = find("[data-play]");
    var playWords = find("[data-play-words]");
    var seek = find("[data-seek]");
    var now = find("[data-now]");
    var speed = find("[data-speed]");
    var trouble = find("[data-trouble]");
    var chapters = all("[data-at]");
    var known = Number(sound.getAttribute("data-duration"));
    var positionKey = "position-" + sound.getAttribute("data-number");
    // Nothing is fetched before the first tap, so a wish to start elsewhere waits until the sound is there.
    var wished = null;
    var dragging = false;
    var lastKept = 0;
    var patience = 0;

    function duration() { return isFinite(sound.duration) && sound.duration > 0 ? sound.duration : known; }
    function show(time) {
      var share = Math.max(0, Math.min(1, time / duration()));
      if (!dragging) { seek.value = String(time); }
      seek.setAttribute("aria-valuetext", clock(time) + "，共 " + clock(duration()));
      seek.parentNode.style.setProperty("--played", (share * 100).toFixed(2) + "%");
      now.textContent = clock(time);
      chapters.forEach(function (link, index) {
        var next = chapters[index + 1];
        var inside = time > 0 && time >= Number(link.getAttribute("data-at")) && (!next || time < Number(next.getAttribute("data-at")));
        if (inside) { link.setAttribute("aria-current", "true"); } else { link.removeAttribute("aria-current"); }
      });
    }
    function position() { return wished === null ? sound.currentTime : wished; }
    function goTo(time) {
      time = Math.max(0, Math.min(time, Math.max(0, duration() - 0.2)));
      if (sound.readyState > 0) { wished = null; sound.currentTime = time; } else { wished = time; }
      show(time);
    }
    function say(words) { if (trouble.textContent !== words) { trouble.textContent = words; } }
    function calm() { window.clearTimeout(patience); say(""); }
    function keep() { if (position() > 0 && !sound.ended) { remember(positionKey, position().toFixed(1)); } }

    function failed() {
      window.clearTimeout(patience);
      showState();
      if (navigator.onLine === false) { say("手机现在没有连上网。连上以后，再按一次“播放”。"); return; }
      var code = sound.error ? sound.error.code : 0;
      if (code === 3) { say("声音放到这里出了毛病。请再按一次“播放”；还是不行，请打页面下面的电话告诉我们。"); return; }
      say("声音没有取到，可能是网络不好。请过一会儿再按“播放”；急着知道内容，可以先看下面的文字稿。");
    }
    function begin() {
      say("");
      if (sound.error) { wished = position(); sound.load(); }
      var started = sound.play();
      if (started && started.catch) {
        started.catch(function (reason) {
          if (reason && reason.name === "NotAllowedError") { say("请再按一次“播放”。"); }
          else if (reason && reason.name !== "AbortError") { failed(); }
        });
      }
    }
    function toggle() { if (sound.paused) { begin(); } else { sound.pause(); } }
    function showState() {
      var on = !sound.paused && !sound.error;
      document.body.classList.toggle("playing", on);
      playWords.textContent = on ? "暂停" : (position() > 1 ? "接着听" : "播放");
    }

    sound.controls = false;
    sound.hidden = true;
    all("[data-player]").forEach(function (part) { part.hidden = false; });

    play.addEventListener("click", toggle);
    all("[data-skip]").forEach(function (button) {
      button.addEventListener("click", function () { goTo(position() + Number(button.getAttribute("data-skip"))); });
    });
    chapters.forEach(function (link) {
      link.addEventListener("click", function (event) {
        event.preventDefault();
        goTo(Number(link.getAttribute("data-at")));
        begin();
      });
    });
    seek.addEventListener("input", function () { dragging = true; show(Number(seek.value)); });
    seek.addEventListener("change", function () { dragging = false; goTo(Number(seek.value)); });
    speed.addEventListener("change", function () { sound.playbackRate = sound.defaultPlaybackRate = Number(speed.value); });

    sound.addEventListener("loadedmetadata", function () {
      seek.max = String(duration());
      if (wished !== null) { goTo(wished); }
    });
    sound.addEventListener("timeupdate", function () {
      if (wished !== null) { return; }
      show(sound.currentTime);
      if (Math.abs(sound.currentTime - lastKept) > 5) { lastKept = sound.currentTime; keep(); }
    });
    sound.addEventListener("play", showState);
    sound.addEventListener("playing", function () { calm(); showState(); });
    sound.addEventListener("pause", function () { keep(); showState(); });
    sound.addEventListener("ended", function () { forget(positionKey); goTo(0); showState(); });
    sound.addEventListener("waiting", function () {
      window.clearTimeout(patience);
      patience = window.setTimeout(function () { say("网络有点慢，正在取声音，请稍等……"); }, 4000);
    });
    sound.addEventListener("error", failed);
    window.addEventListener("pagehide", keep);

    // One sound at a time, also across windows.
    if ("BroadcastChannel" in window) {
      var others = new window.BroadcastChannel("playing");
      sound.addEventListener("play", function () { others.postMessage(sound.getAttribute("data-number")); });
      others.onmessage = function () { sound.pause(); };
    }

    // The lock screen and the buttons of a headset.
    if ("mediaSession" in navigator && "MediaMetadata" in window) {
      var poster = find(".poster img");
      navigator.mediaSession.metadata = new window.MediaMetadata({
        title: sound.getAttribute("data-title"),
        artist: sound.getAttribute("data-author"),
        artwork: poster ? [{ src: poster.src }] : []
      });
      var handle = function (action, run) {
        try { navigator.mediaSession.setActionHandler(action, run); } catch (unknown) { /* an older browser has fewer buttons */ }
      };
      handle("play", begin);
      handle("pause", function () { sound.pause(); });
      handle("seekbackward", function () { goTo(position() - 15); });
      handle("seekforward", function () { goTo(position() + 15); });
    }

    var asked = askedTime();
    var kept = Number(recall(positionKey));
    if (asked !== null) { goTo(asked); } else if (kept > 1) { goTo(kept); } else { show(0); }
    showState();
  }

  startTextSize();
  all("[data-copy]").forEach(startCopy);
  var sound = find("[data-sound]");
  if (sound) { startPlayer(sound); }
}());
