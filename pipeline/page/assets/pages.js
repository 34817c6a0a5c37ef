// All pages but an episode's; stands behind site.js in the same function.

const startCopy = (button) => {
  const field = find("#" + data(button, "copy"));
  const said = (done) => { find("[data-copied]").textContent = done ? "已复制，到播客软件里粘贴就好。" : "请长按上面的地址，选“全选”“复制”。"; };
  on(button, "click", () => {
    field.select();
    if (navigator.clipboard) { navigator.clipboard.writeText(field.value).then(() => said(true), () => said(false)); }
    else { said(document.execCommand("copy")); }
  });
};

on(document, "DOMContentLoaded", () => all("[data-copy]").forEach(startCopy));
