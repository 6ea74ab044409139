import type { TwoFactorOptions } from 'fastify-authenticator-2fa'

type Theme = NonNullable<Exclude<TwoFactorOptions['pages'], boolean | undefined>['theme']>

/** The bank's colours, for the pages of the package. Those of its own pages are the same, in public/style.css. */
export const theme: Theme = {
  light: {
    ground: '#f5f7f5',
    card: '#ffffff',
    text: '#17201c',
    muted: '#56615b',
    line: '#7b877f',
    accent: '#0a6b4f',
    onAccent: '#ffffff',
    bad: '#a3271f',
    badGround: '#fcecea',
    noteGround: '#e4f3ec'
  },
  dark: {
    ground: '#0e1311',
    card: '#171e1b',
    text: '#e5ebe8',
    muted: '#a2afa9',
    line: '#77857e',
    accent: '#66d6a9',
    onAccent: '#06281c',
    bad: '#ffb4ab',
    badGround: '#43201d',
    noteGround: '#15332a'
  },
  font: 'Inter,system-ui,sans-serif',
  radius: '.6rem'
}
