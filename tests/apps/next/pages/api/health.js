export default function handler(request, response) {
  response.json({ status: 'ok', accounts: [{ id: 1, balance: '12.50' }] });
}
