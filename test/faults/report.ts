import type { Findings } from './rounds.js'

/** What was injected, answered and checked how often, and what was not as promised. */
export function report ({ findings, tally, longest }: Findings): string {
  const lines = [...tally].toSorted(([a], [b]) => a.localeCompare(b)).map(([what, count]) => `  ${String(count).padStart(7)}  ${what}`)
  const times = [...longest].map(([what, time]) => `  ${String(time).padStart(7)}  ms at most: ${what}`)
  return [...lines, ...times, findings.length === 0 ? 'Every promise held.' : `${findings.length} findings:`, ...findings].join('\n')
}
