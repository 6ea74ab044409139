import { randomBytes } from 'node:crypto'
import { steps } from './steps.js'

/** Somebody's browser, since it first came here. */
export interface Visitor {
  /** 128 bits that nobody guesses: what was noted of the visitor is found by it. */
  readonly id: string
  /** When it came, in milliseconds since the epoch. */
  readonly since: number
  /** Ids of the steps that are done. A step that was done stays done. */
  readonly done: ReadonlySet<string>
}

/** Reads the cookie of a visitor. What is no such cookie is nobody's: a new visitor. */
export function readVisitor (cookie: string | undefined, now: number): Visitor {
  const [, id, since, done = ''] = /^([\w-]{22})\.(\d{1,15})\.([a-z~-]{0,200})$/.exec(cookie ?? '') ?? []
  if (id === undefined) return { id: randomBytes(16).toString('base64url'), since: now, done: new Set() }
  const known = done.split('~').filter(id => steps.some(step => step.id === id))
  return { id, since: Number(since), done: new Set(known) }
}

/** The cookie: how far somebody is lives in the browser, so that every process of the demo knows it. */
export function writeVisitor ({ id, since, done }: Visitor): string {
  return `${id}.${since}.${[...done].join('~')}`
}
