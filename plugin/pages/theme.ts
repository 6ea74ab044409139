/** Colours of the pages, each a CSS colour. Text must be readable on its ground: 4.5 to 1 (WCAG 2.2, 1.4.3). */
export interface PageColors {
  /** Behind everything. */
  readonly ground?: string
  /** Behind the content. */
  readonly card?: string
  readonly text?: string
  /** Text beside the matter. */
  readonly muted?: string
  /** Borders of fields: 3 to 1 on `card` (WCAG 2.2, 1.4.11). */
  readonly line?: string
  /** Buttons and links. */
  readonly accent?: string
  /** Text on `accent`. */
  readonly onAccent?: string
  /** What was wrong, and what is behind it. */
  readonly bad?: string
  readonly badGround?: string
  /** Behind notes. */
  readonly noteGround?: string
}

/** How the pages look. Each part is a CSS custom property, named in brackets. */
export interface PageTheme {
  /** Which colours browsers get: `'light'`, `'dark'`, or `'auto'` as their user prefers. Default is `'auto'`. */
  readonly scheme?: 'light' | 'dark' | 'auto'
  /** `--two-factor-ground`, `--two-factor-card`, and so on. */
  readonly light?: PageColors
  readonly dark?: PageColors
  /** A CSS `font-family` (`--two-factor-font`). Default is the system's. */
  readonly font?: string
  /** A CSS length (`--two-factor-radius`). Default is `.5rem`. */
  readonly radius?: string
}

const light: Required<PageColors> = {
  ground: '#f4f5f7',
  card: '#fff',
  text: '#1d2129',
  muted: '#57606a',
  line: '#7d858f',
  accent: '#0b57d0',
  onAccent: '#fff',
  bad: '#b3261e',
  badGround: '#fdecea',
  noteGround: '#e8f0fe'
}

const dark: Required<PageColors> = {
  ground: '#12151a',
  card: '#1c2027',
  text: '#e8eaed',
  muted: '#a4acb7',
  line: '#7f8894',
  accent: '#8ab4f8',
  onAccent: '#0b1f3f',
  bad: '#ffb4ab',
  badGround: '#45201d',
  noteGround: '#1f2e47'
}

export const colorNames = Object.keys(light) as ReadonlyArray<keyof PageColors>

/** The custom properties of a theme, as CSS. */
export function themeStyle (theme: PageTheme): string {
  const { scheme = 'auto', font = 'system-ui,sans-serif', radius = '.5rem' } = theme
  const bright = properties({ ...light, ...theme.light })
  const night = properties({ ...dark, ...theme.dark })
  const shape = `--two-factor-font:${font};--two-factor-radius:${radius}`
  if (scheme === 'auto') {
    return `:root{color-scheme:light dark;${bright};${shape}}@media (prefers-color-scheme:dark){:root{${night}}}`
  }
  return `:root{color-scheme:${scheme};${scheme === 'light' ? bright : night};${shape}}`
}

function properties (colors: Required<PageColors>): string {
  return colorNames.map(name => `--two-factor-${kebab(name)}:${colors[name]}`).join(';')
}

function kebab (name: string): string {
  return name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
}
