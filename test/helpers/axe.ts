import axe from 'axe-core'
import type { Page } from 'playwright-core'

interface Found { readonly violations: ReadonlyArray<{ id: string, nodes: ReadonlyArray<{ html: string }> }> }

// What the colours and the width make a difference to.
const looks = ['color-contrast', 'link-in-text-block', 'scrollable-region-focusable', 'target-size']

/** What axe finds against WCAG 2.2 AA and against its own best practices, or of that the looks alone. */
export async function violationsOf (page: Page, { all }: { all: boolean }): Promise<string[]> {
  // Through the protocol, past the policy of the page.
  if (!await page.evaluate('"axe" in globalThis')) await page.evaluate(axe.source)
  const { violations } = await page.evaluate(async runOnly => {
    const { axe } = globalThis as unknown as { axe: { run: (options: object) => Promise<Found> } }
    return axe.run({ rules: { 'target-size': { enabled: true } }, ...(runOnly && { runOnly }) })
  }, all ? undefined : looks)
  return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)
}
