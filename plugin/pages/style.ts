import { createHash } from 'node:crypto'

/** The pages' one style sheet, in the page itself: nothing is fetched, so nothing leaks. */
export const style = `
:root{color-scheme:light dark;--ground:#f4f5f7;--card:#fff;--text:#1d2129;--muted:#57606a;--line:#8a919b;--accent:#0b57d0;--on-accent:#fff;--bad:#b3261e;--bad-ground:#fdecea;--note-ground:#e8f0fe}
@media (prefers-color-scheme:dark){:root{--ground:#12151a;--card:#1c2027;--text:#e8eaed;--muted:#a4acb7;--line:#747d89;--accent:#8ab4f8;--on-accent:#0b1f3f;--bad:#ffb4ab;--bad-ground:#45201d;--note-ground:#1f2e47}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text);font:1rem/1.5 system-ui,sans-serif}
main{max-width:27rem;margin:6vh auto;padding:2rem;background:var(--card);border-radius:.75rem;box-shadow:0 1px 3px rgb(0 0 0/.2)}
@media (max-width:30rem){main{margin:0;padding:1.25rem;border-radius:0;min-height:100vh}}
h1{margin:0 0 .25rem;font-size:1.5rem;line-height:1.25}
h2{margin:2rem 0 .25rem;font-size:1.1rem}
.issuer{margin:0 0 1rem;color:var(--muted)}
.problem,.note{margin:1rem 0;padding:.75rem 1rem;border-radius:.5rem;overflow-wrap:anywhere}
.problem{background:var(--bad-ground);color:var(--bad)}
.note{background:var(--note-ground)}
label{display:block;margin:1rem 0 .25rem;font-weight:600}
input{width:100%;padding:.7rem .8rem;border:1px solid var(--line);border-radius:.5rem;background:var(--card);color:inherit;font:inherit}
input[type=checkbox]{width:auto;margin-right:.5rem}
input.code{font:1.5rem/1.2 ui-monospace,monospace;letter-spacing:.2em}
button,.button{display:block;width:100%;margin:1.25rem 0 0;padding:.75rem;border:0;border-radius:.5rem;background:var(--accent);color:var(--on-accent);font:inherit;font-weight:600;text-align:center;text-decoration:none;cursor:pointer}
button.quiet,.button.quiet{background:none;border:1px solid var(--line);color:var(--accent)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
a{color:var(--accent)}
.qr{display:block;width:14rem;margin:1rem auto;border-radius:.5rem;background:#fff}
.qr svg{display:block;width:100%;height:auto}
code{font-family:ui-monospace,monospace;overflow-wrap:anywhere}
.key{display:block;padding:.6rem .8rem;border:1px dashed var(--line);border-radius:.5rem;font-size:1.05rem;user-select:all}
.codes{display:grid;grid-template-columns:repeat(auto-fit,minmax(11.5rem,1fr));gap:.35rem 1rem;margin:1rem 0;padding:1rem;border:1px dashed var(--line);border-radius:.5rem;list-style:none}
dl{margin:.5rem 0}
dt{margin-top:1rem;font-weight:600;overflow-wrap:anywhere}
dd{margin:0;color:var(--muted)}
dd details{margin:.25rem 0}
details{margin-top:1rem}
summary{cursor:pointer;color:var(--accent)}
.row{display:flex;gap:.5rem;margin:0}
.row .button,.row button{flex:1;margin-top:.5rem}
[hidden]{display:none!important}
label.inline{display:inline;font-weight:400}
#saved:not(:checked)~.when-saved{display:none}
@media print{main{margin:0;box-shadow:none}.row,.note,#saved,label.inline,.when-saved,.button{display:none!important}}
.more{margin-top:1.5rem;color:var(--muted)}
`

/** Content-Security-Policy of every page: nothing but this style sheet and forms to this site. */
export const contentSecurityPolicy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'"
].join('; ')

/** The same for a page that brings the script of the pages. */
export const scriptedContentSecurityPolicy = `${contentSecurityPolicy}; script-src 'self'`
