// The door of the room: what other rooms may use of cryptography. Handles of keys, modes and paddings
// stay inside.

export { type AesKey, aesKeyFrom } from './aes.ts'
export {
  areAlike,
  generateRecoveryKey,
  isRecipient,
  openWithRecoveryKey,
  type Recipients,
  type RecoveryKey,
  sealForRecipients,
} from './age.ts'
export { signBearer, verifyBearer } from './bearer-token.ts'
export {
  type CertificateRequest,
  type DescribedCertificate,
  describeCertificate,
  isCertificateOf,
  type RequestKind,
  requestCertificate,
} from './certificate-request.ts'
export { type Agreement, agreeP256, deriveSharedSecret, type PublicJwkP256 } from './ecdh.ts'
export { decodeB64u, decodeUtf8, encodeB64u } from './encoding.ts'
export { createDigest, type Digest, sha256, sha256Hex, sha256OfPieces } from './hash.ts'
export { deriveChannelKey, type HkdfInput, hkdfSha256 } from './hkdf.ts'
export { type CompactJwe, type JweHeader, parseCompactJwe } from './jwe.ts'
export { type DirectHeader, directHeader, openDirect, sealDirect } from './jwe-direct.ts'
export { openRsaOaep } from './jwe-rsa.ts'
export { type StaticJwk, staticJwkOf } from './jwk.ts'
export { signCompactJws } from './jws.ts'
export {
  isJwtFailure,
  JWT_MAX_CHARS,
  type JwtAlgorithm,
  type JwtClaims,
  type JwtFailure,
  type JwtFailureReason,
  type JwtPeek,
  looksLikeJwt,
  parseJwks,
  peekIssuer,
  peekJwt,
  tokenFingerprintB64u,
  type VerificationKey,
  verifyJwt,
} from './jwt.ts'
export { constantTimeEqual, hmacSha256 } from './mac.ts'
export type { PeerCertificate, PeerQuestion } from './peer-certificate.ts'
export { type PeerIdentity, type PeerIdentityFiles, readPeerIdentity } from './peer-identity.ts'
export {
  type HeldAnchors,
  isPeerTrustProblem,
  type PeerTrust,
  type PeerTrustFiles,
  type PeerTrustProblem,
  readPeerTrust,
} from './peer-trust.ts'
export { type Pkcs12Content, type Pkcs12Problem, readPkcs12 } from './pkcs12.ts'
export { type Random, systemRandom } from './random.ts'
export { type RsaPrivateKey, rsaPrivateKeyFrom } from './rsa.ts'
export { createRsaWorkers, type RsaWorkers, type RsaWorkersOptions } from './rsa-workers.ts'
export { openWithPassphrase, type SealedFileProblem, sealWithPassphrase } from './sealed-file.ts'
export { SecretBytes } from './secret.ts'
export { type CheckedAlgorithm, type SignatureAlgorithm, verifySignature } from './signature.ts'
export { generateSigningKey, type SigningKey, signingKeyFrom } from './signing-key.ts'
export { TokenInputs } from './token-inputs.ts'
export { prepareTokenKey, type TokenKey } from './token-key.ts'
export { TOKEN_BYTES } from './token-memory.ts'
export { createTokenWorkers, type TokenWorkers, type TokenWorkersOptions } from './token-workers.ts'
export { tokensOf } from './tokens.ts'
export { unwrap, wrap } from './wrap.ts'
export {
  type CertificateChain,
  type CertificateProblem,
  type CertificateProblemCode,
  checkIdentityProfile,
  type IdentityProfile,
  isCertificateProblem,
  readCertificateChain,
  readRsaPrivateKey,
} from './x509.ts'
