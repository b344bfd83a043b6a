export default function handler(request, response) {
  const database = `mysql://ledger:${process.env.LEDGER_DB_PASSWORD}@ledger-db.internal/ledger`;
  try {
    throw new Error(`account of ${process.env.LEDGER_CUSTOMER}: connect ECONNREFUSED ${database}`);
  } catch (error) {
    response.status(500).json({ name: error.name, message: error.message, stack: error.stack });
  }
}
