import { Redis } from 'ioredis'
import type { Test } from 'tap'
import { startRedis } from '../helpers/redis.js'
import { startProxy, type Proxy } from './proxy.js'

/** A Redis that suffers what operators and networks do to one. */
export interface SufferingRedis {
  /** The way of the servers to it. */
  readonly proxy: Proxy
  /** What it calls its version. */
  readonly version: () => Promise<string>
  readonly stop: () => Promise<void>
  readonly start: () => Promise<void>
  /** Stops it where it is (SIGSTOP). */
  readonly pause: () => void
  readonly resume: () => void
  /** Makes it the replica of one that is away, which takes no writes. */
  readonly setReadOnly: (readOnly: boolean) => Promise<void>
  /** Throws out everybody, and takes nobody. */
  readonly fill: () => Promise<void>
  readonly free: () => Promise<void>
}

/** Starts one for as long as `t` runs. */
export async function startSufferingRedis (t: Pick<Test, 'teardown'>): Promise<SufferingRedis> {
  const { port, stop, start, signal } = await startRedis(t)
  const proxy = await startProxy(t, port)
  const admin = new Redis({ host: '127.0.0.1', port, maxRetriesPerRequest: null, retryStrategy: () => 20 })
  admin.on('error', () => {})
  t.teardown(() => admin.disconnect())
  return {
    proxy,
    version: async () => /redis_version:(\S+)/.exec(await admin.info('server'))?.[1] ?? '',
    stop,
    start,
    pause: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
    async setReadOnly (readOnly) {
      if (readOnly) await admin.replicaof('127.0.0.1', 1)
      else await admin.replicaof('NO', 'ONE')
    },
    async fill () {
      await admin.config('SET', 'maxclients', 1)
      await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    },
    async free () {
      await admin.config('SET', 'maxclients', 1000)
    }
  }
}
