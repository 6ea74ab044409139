/* global document, localStorage */
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

let ticks = []

function draw () {
  ticks = []
  list.replaceChildren(...accounts.map((account, index) => {
    const item = document.createElement('li')
    const name = document.createElement('div')
    name.textContent = [account.issuer, account.label].filter(Boolean).join(': ')
    const digits = document.createElement('p')
    digits.className = 'code'
    const bar = document.createElement('progress')
    bar.max = account.period
    const remove = document.createElement('button')
    remove.className = 'quiet'
    remove.textContent = 'Remove'
    remove.addEventListener('click', () => {
      accounts = accounts.filter((_, other) => other !== index)
      save()
      draw()
    })
    item.append(name, digits, bar, remove)
    ticks.push(() => {
      const left = account.period - Math.floor(Date.now() / 1000) % account.period
      digits.dataset.code = account.generate()
      digits.textContent = digits.dataset.code.replace(/^(\d{3})/, '$1 ')
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
    const account = read(field.value)
    account.generate()
    accounts = [...accounts, account]
    save()
    field.value = ''
    problem.hidden = true
    draw()
  } catch {
    problem.hidden = false
  }
})

draw()
setInterval(tick, 1000)
