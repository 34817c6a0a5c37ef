// What every page has. Without it the native player, the links and the words all work.
// Written for the browsers inside WeChat: no syntax newer than 2017.

const find = (selector) => document.querySelector(selector);
const all = (selector) => Array.from(document.querySelectorAll(selector));
const on = (target, names, run) => names.split(" ").forEach((name) => target.addEventListener(name, run));
const data = (element, name) => element.getAttribute("data-" + name);

// Kept on this phone only. Private windows refuse storage; then nothing is remembered and nothing breaks.
const remember = (key, value) => { try { localStorage.setItem(key, value); } catch (refused) { return; } };
const recall = (key) => { try { return localStorage.getItem(key); } catch (refused) { return null; } };

// 大字: three sizes in turn.
const startTextSize = (button) => {
  const sizes = ["standard", "large", "largest"];
  let size = Math.max(0, sizes.indexOf(recall("text-size")));
  const show = () => {
    document.documentElement.setAttribute("data-text", sizes[size]);
    button.setAttribute("aria-pressed", size > 0);
  };
  show();
  on(button, "click", () => {
    size = (size + 1) % 3;
    show();
    remember("text-size", sizes[size]);
  });
};

// The size of the letters before the first picture, so that nothing jumps; the buttons when they are there.
document.documentElement.classList.add("js");
document.documentElement.setAttribute("data-text", recall("text-size") || "standard");
on(document, "DOMContentLoaded", () => all("[data-text-size]").forEach(startTextSize));
