// What documents of the API show. No code or secret here was ever anybody's.

export const authenticatorExample = {
  id: '0b5d4c1e-7a52-4a0f-9d3f-6c1b8f2e4a90',
  kind: 'local',
  name: 'Phone',
  digits: 6,
  createdAt: '2026-01-01T11:58:00.000Z',
  lastUsedAt: '2026-01-01T12:00:00.000Z'
} as const

export const statusExample = {
  enabled: true,
  verified: true,
  verifiedAt: '2026-01-01T12:00:00.000Z',
  authenticators: [authenticatorExample],
  recoveryCodesLeft: 9,
  lockedUntil: null,
  required: false,
  requiredFrom: null,
  daysLeft: null
} as const

const secret = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'

export const setupExample = {
  secret,
  uri: `otpauth://totp/Acme:ada%40example.com?secret=${secret}&issuer=Acme`,
  qrSvg: '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 45 45">…</svg>',
  expiresAt: '2026-01-01T12:10:00.000Z'
} as const

export const recoveryCodesExample = ['7KQ2-M9XD-4TBN-PW6H', 'G3VC-8RYJ-5ZAF-1E0S'] as const

export const deviceExample = {
  id: '5f0f1d7c-3b8f-4e43-8a39-2f7a3f8c9b11',
  label: 'Firefox on Windows',
  createdAt: '2026-01-01T12:00:00.000Z',
  lastUsedAt: null,
  expiresAt: '2026-01-31T12:00:00.000Z',
  current: true
} as const
