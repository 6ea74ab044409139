import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Test } from 'tap'
import { freePort } from './own-postgres.js'

/** Whether there is a program of Redis here. */
export const isThere = spawnSync('redis-server', ['--version']).status === 0

/** Why a test that needs one cannot run here: on a machine of CI it must. */
export const skip = !isThere && process.env.CI !== 'true' && 'There is no redis-server here: install Debian\'s package'

/** A Redis server on loopback that nobody else uses. It keeps nothing. */
export interface RedisServer {
  readonly port: number
  /** Kills it, with all that it has. */
  readonly stop: () => Promise<void>
  /** Starts it again at the same port. */
  readonly start: () => Promise<void>
  /** Sends it a signal. */
  readonly signal: (name: NodeJS.Signals) => void
}

/** Starts one for as long as `t` runs. */
export async function startRedis (t: Pick<Test, 'teardown'>): Promise<RedisServer> {
  const port = await freePort()
  let child: ChildProcess
  const server: RedisServer = {
    port,
    async stop () {
      const gone = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined
      child.kill('SIGKILL')
      await gone
    },
    async start () {
      child = await spawnRedis(port)
    },
    signal: name => { child.kill(name) }
  }
  await server.start()
  t.teardown(server.stop)
  return server
}

async function spawnRedis (port: number): Promise<ChildProcess> {
  const child = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'])
  let text = ''
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', code => reject(new Error(`Redis ended with ${code}: ${text}`)))
    child.stdout.setEncoding('utf8').on('data', (data: string) => {
      text += data
      if (text.includes('Ready to accept')) resolve()
    })
  })
  return child
}
