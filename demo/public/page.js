/* global document, localStorage, navigator, setTimeout */

// What pages do beyond that where scripts run. Nothing depends on it.
for (const details of document.querySelectorAll('details[data-remember]')) {
  const key = `demo-${details.dataset.remember}`
  if (localStorage.getItem(key) === 'closed') details.open = false
  details.addEventListener('toggle', () => localStorage.setItem(key, details.open ? 'open' : 'closed'))
}

for (const button of document.querySelectorAll('[data-copy]')) {
  // Only where the address is secure, as the one of a demo on this machine is.
  if (!navigator.clipboard) continue
  button.hidden = false
  button.addEventListener('click', async () => {
    const said = button.textContent
    try {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent)
      button.textContent = 'Copied'
    } catch {
      button.textContent = 'Not copied'
    }
    setTimeout(() => { button.textContent = said }, 2000)
  })
}
