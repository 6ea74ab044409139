import type { Test } from 'tap'
import type { TwoFactorStorage } from '../../plugin/storage/storage.js'
import { checkAuthenticators } from './authenticators-contract.js'
import { checkClocks } from './clocks-contract.js'
import { checkStorage } from './contract.js'
import { checkDevices } from './devices-contract.js'
import { checkEvents } from './events-contract.js'
import { checkIds } from './ids-contract.js'
import { checkMaintenance } from './maintenance-contract.js'

const checks = [checkStorage, checkAuthenticators, checkClocks, checkDevices, checkEvents, checkIds, checkMaintenance]

/**
 * All that every storage must do.
 *
 * @param open - Gives two storages on the same empty tables, each with connections of its own where that is possible.
 */
export async function checkEverything (
  t: Test, open: (t: Test) => Promise<[TwoFactorStorage, TwoFactorStorage]>
): Promise<void> {
  for (const check of checks) await check(t, open)
}
