import { availableParallelism, cpus } from 'node:os'
import { benchDevices } from './devices.js'
import { benchGuard } from './guard.js'
import { benchMaintenance } from './maintenance.js'
import { benchOtp } from './otp.js'
import { benchQr } from './qr.js'
import { benchRemote } from './remote.js'
import { benchVerify } from './verify.js'

const benches = {
  otp: benchOtp,
  qr: benchQr,
  guard: benchGuard,
  verify: benchVerify,
  devices: benchDevices,
  remote: benchRemote,
  maintenance: benchMaintenance
}

// `npm run bench -- guard verify`: those alone.
const named = process.argv.slice(2).filter(word => !word.startsWith('--'))
const unknown = named.find(name => !(name in benches))
if (unknown !== undefined) throw new RangeError(`There is no ${unknown}: there are ${Object.keys(benches).join(', ')}`)

console.log(`${cpus()[0]?.model ?? 'Unknown CPU'}, ${availableParallelism()} cores, Node.js ${process.version}`)
for (const [name, bench] of Object.entries(benches)) {
  if (named.length === 0 || named.includes(name)) await bench()
}
