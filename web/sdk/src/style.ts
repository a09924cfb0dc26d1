// Styles of the modal, as a constructed sheet: a shop's Content-Security-Policy need not allow inline styles.
// `all: initial` keeps the shop's own rules for dialogs, buttons and frames away.

const SHEET = `
.clearway-modal{all:initial;position:fixed;inset:0;margin:auto;overflow:hidden;display:flex;flex-direction:column;
width:440px;height:clamp(200px,var(--clearway-height,640px),100dvh - 48px);border-radius:14px;background:Canvas;color:CanvasText;box-shadow:0 24px 64px #0006}
.clearway-modal::backdrop{background:#0b0d1299}
.clearway-modal button{all:initial;align-self:end;width:44px;text-align:center;cursor:pointer;font:24px/44px system-ui;color:inherit}
.clearway-modal button:focus-visible{outline:2px solid;outline-offset:-6px}
.clearway-modal button:disabled{opacity:.3}
.clearway-modal iframe{all:initial;flex:1;color-scheme:inherit}
.clearway-modal[aria-busy=true] iframe{opacity:0}
.clearway-modal[aria-busy=true]:after{content:"";position:absolute;inset:0;margin:auto;width:28px;height:28px;border-radius:50%;
border:3px solid;border-top-color:#0000;animation:clearway 1s linear infinite}
@keyframes clearway{to{rotate:1turn}}
@media(max-width:600px),(max-height:480px){.clearway-modal{width:100%;max-width:none;height:100%;max-height:none;border-radius:0}}`;

let sheet: CSSStyleSheet | undefined;

export function applyStyles(): void {
  if (sheet) return;
  sheet = new CSSStyleSheet();
  sheet.replaceSync(SHEET);
  document.adoptedStyleSheets.push(sheet);
}
