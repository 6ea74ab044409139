import { pageText } from './pages.js'

/** What the sizing of docs/scaling.md is computed from. */
export interface Measured {
  /** Right codes per second of one process. */
  readonly rate: number
  /** SQL statements for each of them. */
  readonly statements: number
  /** Bytes on disk of a user with one authenticator and ten recovery codes, indexes included. */
  readonly bytes: number
}

/** The figures of docs/performance.md. */
export function measuredVerifies (): Pick<Measured, 'rate' | 'statements'> {
  const [, rate = '', statements = ''] = /^\| right code \| ([\d,]+) \| ([\d.]+) \|$/m.exec(pageText('docs/performance.md')) ?? []
  return { rate: Number(rate.replaceAll(',', '')), statements: Number(statements) }
}

const figure = (value: number) => value.toLocaleString('en-US', { maximumSignificantDigits: 2 })

function sizeOf (bytes: number): string {
  const [unit, divisor] = bytes >= 1e12 ? ['TB', 1e12] as const : bytes >= 1e9 ? ['GB', 1e9] as const : ['MB', 1e6] as const
  return `${figure(bytes / divisor)} ${unit}`
}

/** By the formulas that the page has below it. */
export function sizing ({ rate, statements, bytes }: Measured): string {
  const rows = [1e4, 1e5, 1e6, 1e7, 1e8].map(users => {
    const signIns = users / 5 / 3600
    const processes = Math.max(2, Math.ceil(signIns / (rate / 2)))
    const passReads = users / 20 / 10
    return [
      users.toLocaleString('en-US'), figure(signIns), figure(signIns * statements), processes, processes * 10, sizeOf(users * bytes), figure(passReads)
    ].join(' | ')
  })
  return [
    `One process did ${rate.toLocaleString('en-US')} verifies per second, of ${statements.toFixed(2)} statements each. A user with one authenticator and ten recovery codes takes`,
    `${bytes.toLocaleString('en-US')} bytes on disk, indexes included.`,
    '',
    '| users | sign-ins per second at peak | statements per second | processes | connections | database | pass reads per second, at most |',
    '| ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...rows.map(row => `| ${row} |`)
  ].join('\n')
}

/** What the page says of the bytes of a user. */
export function documentedBytes (): number {
  return Number(/^([\d,]+) bytes on disk/m.exec(pageText('docs/scaling.md'))?.[1]?.replaceAll(',', ''))
}
