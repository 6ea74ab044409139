/** What pages do beyond that where scripts run. Nothing depends on it. A module, so browsers run it once. */
export const script = `const language = document.documentElement.lang || undefined

for (const note of document.querySelectorAll('[data-when-scripted]')) note.hidden = false

// A form is sent once, however often it is asked for.
for (const form of document.querySelectorAll('.two-factor form')) {
  let sent = false
  const mark = value => {
    sent = value
    for (const button of form.querySelectorAll('button')) {
      if (value) button.setAttribute('aria-disabled', 'true')
      else button.removeAttribute('aria-disabled')
    }
  }
  form.addEventListener('submit', event => {
    if (sent) event.preventDefault()
    else mark(true)
  })
  // Whoever comes back to the page sends it anew.
  addEventListener('pageshow', event => { if (event.persisted) mark(false) })
}

// A code is sent when it is complete, once: who changes it afterwards is not done.
for (const field of document.querySelectorAll('input[data-complete]')) {
  let done = false
  const digits = Number(field.dataset.complete)
  if (field.hasAttribute('aria-describedby')) field.setAttribute('aria-describedby', field.getAttribute('aria-describedby') + ' hint')
  else field.setAttribute('aria-describedby', 'hint')
  field.addEventListener('input', () => {
    const code = field.value.replace(/[\\s-]/g, '')
    if (done || code.length !== digits || !/^[0-9]+$/.test(code)) return
    done = true
    field.form.requestSubmit()
  })
}

for (const button of document.querySelectorAll('[data-copy]')) {
  if (!navigator.clipboard) continue
  button.hidden = false
  button.addEventListener('click', async () => {
    const lines = [...document.getElementById(button.dataset.copy).children].map(line => line.textContent)
    const said = button.textContent
    try {
      await navigator.clipboard.writeText(lines.join('\\n'))
      button.textContent = button.dataset.done
    } catch {
      button.textContent = button.dataset.failed
    }
    setTimeout(() => { button.textContent = said }, 2000)
  })
}

for (const button of document.querySelectorAll('[data-print]')) {
  button.hidden = false
  button.addEventListener('click', () => print())
}

// Measured from now on, since the clock of this device may be off.
for (const time of document.querySelectorAll('[data-countdown]')) {
  const end = performance.now() + time.dataset.countdown * 1000
  const write = (unit, value) => new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'long' }).format(value)
  const tick = () => {
    const left = Math.ceil((end - performance.now()) / 1000)
    if (left <= 0) return over()
    time.textContent = left > 90 ? write('minute', Math.ceil(left / 60)) : write('second', left)
    setTimeout(tick, 250)
  }
  const over = () => {
    for (const problem of document.querySelectorAll('.problem')) problem.hidden = true
    for (const note of document.querySelectorAll('[data-when-over]')) {
      note.hidden = false
      note.textContent = note.dataset.whenOver
    }
  }
  // Heard once, when the page comes, and again when it is over; not every second.
  time.closest('[role=alert]')?.setAttribute('aria-live', 'off')
  tick()
}

// In the time zone of this device.
for (const time of document.querySelectorAll('time[data-date],time[data-time]')) {
  const style = 'time' in time.dataset ? { dateStyle: 'long', timeStyle: 'short' } : { dateStyle: 'long' }
  time.textContent = new Intl.DateTimeFormat(language, style).format(new Date(time.dateTime))
}
`
