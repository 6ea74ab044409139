import { table } from '../bench/page-region.js'
import { circumstances, number } from '../docs/proof-page.js'
import type { Findings } from './rounds.js'
import { requestBound } from './world.js'

/** What was injected, answered and checked how often, and what was not as promised. */
export function report ({ findings, tally, longest }: Findings): string {
  const lines = sorted(tally).map(([what, count]) => `  ${String(count).padStart(7)}  ${what}`)
  const times = [...longest].map(([what, time]) => `  ${String(time).padStart(7)}  ms at most: ${what}`)
  return [...lines, ...times, outcome(findings), ...findings].join('\n')
}

/** The same as Markdown. */
export function page ({ findings, tally, longest, versions }: Findings, seed: number): string {
  const rows = (kind: string) => sorted(tally).filter(([what]) => what.startsWith(kind))
    .map(([what, count]) => [what.slice(kind.length), number(count)])
  const list = (kind: string) => rows(kind).map(([what, count]) => `${what} (${count})`).join('; ')
  const most = (what: string) => number(longest.get(what) ?? 0)
  return `${circumstances()}, ${versions}; seed ${seed}. **${outcome(findings)}**

The longest answer took ${most('an answer')} ms, of ${number(requestBound)} allowed, and everything served again after ${most('until it is back')} ms at most.

${table(['injected', 'times'], rows('injected: '))}

${table(['checked', 'times'], rows('checked: '))}

Operations: ${list('operation: ')}.

Answers: ${list('answered: ')}.${findings.length > 0 ? `\n\n${findings.map(finding => `- ${finding.split('\n', 1)[0]}`).join('\n')}` : ''}`
}

const sorted = (tally: Findings['tally']) => [...tally].toSorted(([a], [b]) => a.localeCompare(b))

const outcome = ({ length }: Findings['findings']) => length === 0 ? 'Every promise held.' : `${length} findings:`
