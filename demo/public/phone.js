/* global document, history, location, localStorage, setInterval */
import { TOTP, URI } from '/vendor/otpauth.js'

// What an authenticator app does, with another library than the server's. Everything stays in this browser.
const list = document.querySelector('#accounts')
const form = document.querySelector('#add')
const problem = document.querySelector('#problem')
const stored = 'demo-phone'

let accounts = load()

function load () {
  try {
    return JSON.parse(localStorage.getItem(stored) ?? '[]').map(uri => URI.parse(uri))
  } catch {
    return []
  }
}

function save () {
  localStorage.setItem(stored, JSON.stringify(accounts.map(account => account.toString())))
}

/** An otpauth: URI, or the key as the page shows it for typing. */
function read (text) {
  const typed = text.trim()
  if (typed.startsWith('otpauth:')) {
    const account = URI.parse(typed)
    if (!(account instanceof TOTP)) throw new TypeError('Its codes do not go by the clock')
    return account
  }
  return new TOTP({ issuer: 'Acme Bank', label: 'typed by hand', secret: typed.replace(/[\s-]/g, '').toUpperCase() })
}

function add (text) {
  const account = read(text)
  account.generate()
  accounts = [account, ...accounts]
  save()
  draw()
}

let ticks = []

function draw () {
  ticks = []
  list.replaceChildren(...accounts.map((account, index) => {
    const item = document.createElement('li')
    const name = document.createElement('div')
    name.className = 'name'
    name.textContent = [account.issuer, account.label].filter(Boolean).join(': ')
    const digits = document.createElement('p')
    digits.className = 'code'
    const bar = document.createElement('progress')
    bar.max = account.period
    const remove = document.createElement('button')
    remove.className = 'quiet'
    remove.textContent = 'Remove'
    remove.setAttribute('aria-label', `Remove ${name.textContent}`)
    remove.addEventListener('click', () => {
      accounts = accounts.filter((_, other) => other !== index)
      save()
      draw()
    })
    item.append(name, digits, bar, remove)
    ticks.push(() => {
      const left = account.period - Math.floor(Date.now() / 1000) % account.period
      const code = account.generate()
      if (digits.dataset.code !== code) {
        digits.dataset.code = code
        digits.textContent = code.replace(/^(\d{3})/, '$1 ')
      }
      bar.value = left
      bar.setAttribute('aria-label', `${left} seconds left`)
    })
    return item
  }))
  tick()
}

function tick () {
  for (const update of ticks) update()
}

form.addEventListener('submit', event => {
  event.preventDefault()
  const field = form.elements.namedItem('key')
  try {
    add(field.value)
    field.value = ''
    problem.hidden = true
  } catch {
    problem.hidden = false
  }
})

draw()
// The setup page hands its key over in the fragment. It is gone from the address as soon as it is read.
if (location.hash.startsWith('#otpauth')) {
  const uri = decodeURIComponent(location.hash.slice(1))
  history.replaceState(null, '', location.pathname)
  try {
    if (!accounts.some(account => account.secret.base32 === read(uri).secret.base32)) add(uri)
  } catch {
    problem.hidden = false
  }
}
setInterval(tick, 1000)
