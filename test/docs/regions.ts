import { readFileSync, writeFileSync } from 'node:fs'
import type { Test } from 'tap'
import { withRegion } from '../bench/page-region.js'
import { root } from './pages.js'

/**
 * Checks that a page has this text between the marks of a region, `<!-- name -->` and `<!-- /name -->`, or writes it
 * there: with `npm run docs:scaling`, which sets `WRITE_DOCS=true`.
 */
export function keepRegion (t: Pick<Test, 'ok'>, page: string, name: string, text: string): void {
  const before = readFileSync(root + page, 'utf8')
  const after = withRegion(before, name, text)
  if (process.env.WRITE_DOCS === 'true') writeFileSync(root + page, after)
  else t.ok(before === after, `${page} is up to date: npm run docs:scaling`)
}
