import { themeStyle, type PageTheme } from './theme.js'

// Sides are named by the direction of the text, so that the same rules fit Arabic.
const rules = `
.two-factor{color:var(--two-factor-text);font:1rem/1.5 var(--two-factor-font)}
.two-factor,.two-factor *{box-sizing:border-box}
.two-factor h1,.two-factor h2,.two-factor button,.two-factor .button{overflow-wrap:break-word}
.two-factor h1{margin:0 0 1rem;font-size:1.5rem;line-height:1.25}
.two-factor h2{margin:2rem 0 .5rem;padding:1.5rem 0 0;border-top:1px solid color-mix(in srgb,var(--two-factor-line) 40%,transparent);font-size:1.1rem}
.two-factor p{margin:1rem 0}
.two-factor .problem,.two-factor .note{padding:.75rem 1rem;border-radius:var(--two-factor-radius);overflow-wrap:anywhere}
.two-factor .problem{background:var(--two-factor-bad-ground);color:var(--two-factor-bad);border-inline-start:.25rem solid}
.two-factor .note{background:var(--two-factor-note-ground)}
.two-factor label{display:block;margin:1rem 0 .25rem;font-weight:600}
.two-factor .hint{margin:0 0 .35rem;color:var(--two-factor-muted);font-size:.875rem}
.two-factor input{width:100%;padding:.7rem .8rem;border:1px solid var(--two-factor-line);border-radius:var(--two-factor-radius);background:var(--two-factor-card);color:inherit;font:inherit}
.two-factor input[aria-invalid]{border-color:var(--two-factor-bad);border-width:2px}
.two-factor input::placeholder{color:var(--two-factor-muted);opacity:.75}
.two-factor input[type=checkbox]{width:1.25rem;height:1.25rem;margin:0;padding:0;flex:none;accent-color:var(--two-factor-accent)}
.two-factor .choice{display:flex;gap:.6rem;align-items:center}
.two-factor .choice label,.two-factor label.inline{display:inline;margin:0;font-weight:400}
.two-factor #saved{vertical-align:-.3rem;margin-inline-end:.4rem}
.two-factor input.code{font:1.5rem/1.2 ui-monospace,monospace;letter-spacing:.2em}
.two-factor button,.two-factor .button{display:block;width:100%;min-height:2.75rem;margin:1.25rem 0 0;padding:.7rem;border:1px solid transparent;border-radius:var(--two-factor-radius);background:var(--two-factor-accent);color:var(--two-factor-on-accent);font:inherit;font-weight:600;text-align:center;text-decoration:none;cursor:pointer}
.two-factor button.quiet,.two-factor .button.quiet{background:none;border-color:var(--two-factor-line);color:var(--two-factor-accent)}
.two-factor button[aria-disabled=true]{opacity:.6;cursor:progress}
.two-factor :focus-visible{outline:3px solid var(--two-factor-accent);outline-offset:2px}
.two-factor a{color:var(--two-factor-accent)}
.two-factor .qr{display:block;width:min(14rem,100%);margin:1rem auto;border-radius:var(--two-factor-radius);background:#fff}
.two-factor .qr svg{display:block;width:100%;height:auto}
.two-factor code{font-family:ui-monospace,monospace;overflow-wrap:anywhere}
.two-factor .key{display:block;padding:.6rem .8rem;border:1px dashed var(--two-factor-line);border-radius:var(--two-factor-radius);font-size:1.05rem;user-select:all}
.two-factor .codes{display:grid;grid-template-columns:repeat(auto-fit,minmax(11.5rem,1fr));gap:.35rem 1rem;margin:1rem 0;padding:1rem;border:1px dashed var(--two-factor-line);border-radius:var(--two-factor-radius);list-style:none}
.two-factor dl{margin:.5rem 0}
.two-factor dt{margin-top:1rem;font-weight:600;overflow-wrap:anywhere}
.two-factor dd{margin:0;color:var(--two-factor-muted)}
.two-factor dd a{display:inline-block;padding:.2rem 0}
.two-factor dd details{margin:.25rem 0}
.two-factor details{margin-top:1rem}
.two-factor summary{width:fit-content;padding:.2rem 0;color:var(--two-factor-accent);cursor:pointer}
.two-factor .row{display:flex;flex-wrap:wrap;gap:.5rem;margin:0}
.two-factor .row button,.two-factor .row .button{flex:1 0 4.5rem;width:auto;margin-top:.5rem}
.two-factor .more{margin-top:1.5rem;color:var(--two-factor-muted)}
.two-factor .more a{display:inline-block;padding:.2rem 0}
.two-factor [hidden]{display:none!important}
.two-factor #saved:not(:checked)~.when-saved{display:none}
.two-factor-page{margin:0;padding:6vh 1rem;background:var(--two-factor-ground)}
.two-factor-page header,.two-factor-page main{max-width:27rem;margin:0 auto}
.two-factor-page header{padding:0 0 1rem;color:var(--two-factor-text);font:600 1.125rem/1.5 var(--two-factor-font);text-align:center;overflow-wrap:anywhere}
.two-factor-page header img{display:block;max-width:100%;margin:0 auto}
.two-factor-page main{padding:2rem;background:var(--two-factor-card);border-radius:calc(var(--two-factor-radius)*1.5);box-shadow:0 1px 3px rgb(0 0 0/.2)}
@media (max-width:30rem){.two-factor-page{padding:1rem 0 0;background:var(--two-factor-card)}.two-factor-page main{padding:.25rem 1.25rem 1.25rem;border-radius:0;box-shadow:none}}
@media print{.two-factor-page{padding:0}.two-factor .row,.two-factor .note,.two-factor #saved,.two-factor label.inline,.two-factor .when-saved,.two-factor .button{display:none!important}}
`

/** The pages' one style sheet, in the page itself: nothing is fetched, so nothing leaks. */
export function pageStyle (theme: PageTheme): string {
  return `\n${themeStyle(theme)}${rules}`
}
