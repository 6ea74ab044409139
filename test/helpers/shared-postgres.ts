import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { startOwnPostgres } from './own-postgres.js'

// A PostgreSQL that the test files of a run share, a process of its own. Whoever is connected to its socket needs it.
// It goes once nobody has been for ten seconds, however the last one ended, and leaves nothing behind.
const [socketPath = ''] = process.argv.slice(2)
const patience = 10_000

const cleanups: Array<() => unknown> = []
const leases = await claim()
const answer = startOwnPostgres({ teardown: cleanup => { cleanups.push(cleanup) } }, ['max_connections=500'])
  .then(({ url }) => url, error => `PostgreSQL did not start: ${error}`)

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, end)
let open = 0
let giveUp = setTimeout(end, patience)
leases.on('connection', socket => {
  open++
  clearTimeout(giveUp)
  socket.on('error', () => {})
  socket.on('close', () => {
    if (--open === 0) giveUp = setTimeout(end, patience)
  })
  socket.resume()
  answer.then(text => socket.write(text))
})

/** Listens at the socket, or ends this process if another one does. What a crash has left there is taken over. */
async function claim (): Promise<Server> {
  const server = createServer()
  const listen = () => once(server.listen(socketPath), 'listening')
  try {
    await listen()
  } catch {
    if (await isAnswered()) process.exit()
    await rm(socketPath, { force: true })
    await listen()
  }
  return server
}

function isAnswered (): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(socketPath, () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

async function end (): Promise<void> {
  leases.close()
  for (const cleanup of cleanups) await cleanup()
  process.exit()
}
