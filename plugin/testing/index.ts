export {
  createTestClient, type InjectableApp, type TestClient, type TestClientOptions, type TestEnrolment
} from './client.js'
export { createTestClock, type TestClock } from './clock.js'
export { codeAt, wrongCodeAt, type CodeOptions, type Moment } from './codes.js'
export { createTestPhone, type TestPhone } from './phone.js'
