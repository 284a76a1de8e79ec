/* libukey_skf: GM/T 0016-2012 (SKF) over the tokens of ukey.
 *
 * Made from the code by `UKEY_WRITE_HEADER=1 cargo test -p ukey-skf --test header`; a test fails when it is stale.
 *
 * Every function returns SAR_OK (0) or another SAR code. A buffer goes with a length: with NULL for the buffer only the
 * length that is needed comes back; a buffer that is too small is told the length and SAR_BUFFER_TOO_SMALL. Lists of
 * names: each ends with NUL, the list with one more.
 */
#ifndef UKEY_SKF_H
#define UKEY_SKF_H

#include <stdint.h>

#if defined(_WIN32) && !defined(_WIN64)
#define DEVAPI __stdcall
#else
#define DEVAPI
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Types (6.1). ULONG has 32 bits on every platform, also where C's long has 64. */
#ifndef _WINDEF_
typedef uint8_t BYTE;
typedef char CHAR;
typedef uint32_t ULONG;
typedef uint32_t DWORD;
typedef int32_t BOOL;
typedef CHAR *LPSTR;
typedef void *HANDLE;
#ifndef TRUE
#define TRUE 1
#define FALSE 0
#endif
#endif
typedef HANDLE DEVHANDLE;
typedef HANDLE HAPPLICATION;
typedef HANDLE HCONTAINER;

/* Constants */
#define ADMIN_TYPE 0x00000000 /* administrator PIN */
#define USER_TYPE 0x00000001 /* user PIN */
#define SECURE_NEVER_ACCOUNT 0x00000000 /* nobody */
#define SECURE_ADM_ACCOUNT 0x00000001 /* who proved the administrator PIN */
#define SECURE_USER_ACCOUNT 0x00000010 /* who proved the user PIN */
#define SECURE_ANYONE_ACCOUNT 0x000000FF /* anyone */
#define DEV_ABSENT_STATE 0x00000000 /* not plugged in */
#define DEV_PRESENT_STATE 0x00000001 /* plugged in */
#define DEV_UNKNOW_STATE 0x00000002 /* not known */
#define DEV_EVENT_INSERTED 0x00000001 /* plugged in just now */
#define DEV_EVENT_REMOVED 0x00000002 /* pulled just now */
#define DEV_LOCK_FOREVER 0xFFFFFFFF /* SKF_LockDev waits for ever */
#define NO_PADDING 0x00000000 /* whole blocks */
#define PKCS5_PADDING 0x00000001 /* padded to whole blocks */
#define SGD_SM3 0x00000001 /* digest SM3 */
#define SGD_SHA1 0x00000002 /* digest SHA-1 */
#define SGD_SHA256 0x00000004 /* digest SHA-256 */
#define SGD_SM4_ECB 0x00000401 /* SM4 */
#define SGD_SM4_CBC 0x00000402 /* SM4 */
#define SGD_SM4_CFB 0x00000404 /* SM4 */
#define SGD_SM4_OFB 0x00000408 /* SM4 */
#define SGD_SM4_MAC 0x00000410 /* SM4 */
#define SGD_RSA 0x00010000 /* RSA */
#define SGD_SM2 0x00020100 /* SM2 */
#define SGD_SM2_1 0x00020200 /* SM2 signature */
#define SGD_SM2_2 0x00020400 /* SM2 key agreement */
#define SGD_SM2_3 0x00020800 /* SM2 encryption */

/* Codes (annex A) */
#define SAR_OK 0x00000000 /* Success. */
#define SAR_FAIL 0x0A000001 /* Failure. */
#define SAR_UNKNOWNERR 0x0A000002 /* Unknown error. */
#define SAR_NOTSUPPORTYETERR 0x0A000003 /* Not supported. */
#define SAR_FILEERR 0x0A000004 /* File operation failed. */
#define SAR_INVALIDHANDLEERR 0x0A000005 /* Invalid handle. */
#define SAR_INVALIDPARAMERR 0x0A000006 /* Invalid parameter. */
#define SAR_READFILEERR 0x0A000007 /* Reading a file failed. */
#define SAR_WRITEFILEERR 0x0A000008 /* Writing a file failed. */
#define SAR_NAMELENERR 0x0A000009 /* Wrong length of a name. */
#define SAR_KEYUSAGEERR 0x0A00000A /* Wrong use of a key. */
#define SAR_MODULUSLENERR 0x0A00000B /* Wrong length of a modulus. */
#define SAR_NOTINITIALIZEERR 0x0A00000C /* Not initialised. */
#define SAR_OBJERR 0x0A00000D /* Wrong object. */
#define SAR_MEMORYERR 0x0A00000E /* Memory error. */
#define SAR_TIMEOUTERR 0x0A00000F /* Time is up. */
#define SAR_INDATALENERR 0x0A000010 /* Wrong length of the input. */
#define SAR_INDATAERR 0x0A000011 /* Wrong input. */
#define SAR_GENRANDERR 0x0A000012 /* No random bytes. */
#define SAR_HASHOBJERR 0x0A000013 /* Wrong digest object. */
#define SAR_HASHERR 0x0A000014 /* Digest failed. */
#define SAR_GENRSAKEYERR 0x0A000015 /* No RSA key pair was made. */
#define SAR_RSAMODULUSLENERR 0x0A000016 /* Wrong length of an RSA modulus. */
#define SAR_CSPIMPRTPUBKEYERR 0x0A000017 /* Importing a public key failed. */
#define SAR_RSAENCERR 0x0A000018 /* Public-key encryption failed. */
#define SAR_RSADECERR 0x0A000019 /* Private-key decryption failed. */
#define SAR_HASHNOTEQUALERR 0x0A00001A /* The signature is not that of these data. */
#define SAR_KEYNOTFOUNTERR 0x0A00001B /* No such key. */
#define SAR_CERTNOTFOUNTERR 0x0A00001C /* No such certificate. */
#define SAR_NOTEXPORTERR 0x0A00001D /* The object cannot be exported. */
#define SAR_DECRYPTPADERR 0x0A00001E /* Wrong padding. */
#define SAR_MACLENERR 0x0A00001F /* Wrong length of a MAC. */
#define SAR_BUFFER_TOO_SMALL 0x0A000020 /* The buffer is too small. */
#define SAR_KEYINFOTYPEERR 0x0A000021 /* Wrong kind of key information. */
#define SAR_NOT_EVENTERR 0x0A000022 /* No event. */
#define SAR_DEVICE_REMOVED 0x0A000023 /* The device was removed. */
#define SAR_PIN_INCORRECT 0x0A000024 /* The PIN is wrong. */
#define SAR_PIN_LOCKED 0x0A000025 /* The PIN is locked. */
#define SAR_PIN_INVALID 0x0A000026 /* The PIN is invalid. */
#define SAR_PIN_LEN_RANGE 0x0A000027 /* Wrong length of a PIN. */
#define SAR_USER_ALREADY_LOGGED_IN 0x0A000028 /* The user is logged in already. */
#define SAR_USER_PIN_NOT_INITIALIZED 0x0A000029 /* The user PIN was never set. */
#define SAR_USER_TYPE_INVALID 0x0A00002A /* Wrong type of PIN. */
#define SAR_APPLICATION_NAME_INVALID 0x0A00002B /* Invalid name of an application. */
#define SAR_APPLICATION_EXISTS 0x0A00002C /* The application exists. */
#define SAR_USER_NOT_LOGGED_IN 0x0A00002D /* A right is missing: log in first. */
#define SAR_APPLICATION_NOT_EXISTS 0x0A00002E /* No such application, or it is not open. */
#define SAR_FILE_ALREADY_EXIST 0x0A00002F /* The file exists. */
#define SAR_NO_ROOM 0x0A000030 /* No space. */
#define SAR_FILE_NOT_EXIST 0x0A000031 /* No such file. */
#define SAR_REACH_MAX_CONTAINER_COUNT 0x0A000032 /* As many containers as are allowed. */

/* Structures (6.4) */
#pragma pack(push, 1)

/* A version. */
typedef struct {
    BYTE major;
    BYTE minor;
} VERSION; /* 2 bytes */
typedef VERSION *PVERSION;

/* What a device says about itself. */
typedef struct {
    VERSION Version;
    CHAR Manufacturer[64];
    CHAR Issuer[64];
    CHAR Label[32];
    CHAR SerialNumber[32];
    VERSION HWVersion;
    VERSION FirmwareVersion;
    ULONG AlgSymCap;
    ULONG AlgAsymCap;
    ULONG AlgHashCap;
    ULONG DevAuthAlgId;
    ULONG TotalSpace;
    ULONG FreeSpace;
    ULONG MaxECCBufferSize;
    ULONG MaxBufferSize;
    BYTE Reserved[64];
} DEVINFO; /* 294 bytes */
typedef DEVINFO *PDEVINFO;

/* An RSA public key; numbers are right-aligned. */
typedef struct {
    ULONG AlgID;
    ULONG BitLen;
    BYTE Modulus[256];
    BYTE PublicExponent[4];
} RSAPUBLICKEYBLOB; /* 268 bytes */
typedef RSAPUBLICKEYBLOB *PRSAPUBLICKEYBLOB;

/* An RSA private key; numbers are right-aligned. */
typedef struct {
    ULONG AlgID;
    ULONG BitLen;
    BYTE Modulus[256];
    BYTE PublicExponent[4];
    BYTE PrivateExponent[256];
    BYTE Prime1[128];
    BYTE Prime2[128];
    BYTE Prime1Exponent[128];
    BYTE Prime2Exponent[128];
    BYTE Coefficient[128];
} RSAPRIVATEKEYBLOB; /* 1164 bytes */
typedef RSAPRIVATEKEYBLOB *PRSAPRIVATEKEYBLOB;

/* An SM2 public key; numbers are right-aligned, 32 zero bytes in front. */
typedef struct {
    ULONG BitLen;
    BYTE XCoordinate[64];
    BYTE YCoordinate[64];
} ECCPUBLICKEYBLOB; /* 132 bytes */
typedef ECCPUBLICKEYBLOB *PECCPUBLICKEYBLOB;

/* An SM2 private key, right-aligned. */
typedef struct {
    ULONG BitLen;
    BYTE PrivateKey[64];
} ECCPRIVATEKEYBLOB; /* 68 bytes */
typedef ECCPRIVATEKEYBLOB *PECCPRIVATEKEYBLOB;

/* An SM2 ciphertext: C1, C3, C2. It is as much longer than its size as the cipher is than 1 byte. */
typedef struct {
    BYTE XCoordinate[64];
    BYTE YCoordinate[64];
    BYTE HASH[32];
    ULONG CipherLen;
    BYTE Cipher[1];
} ECCCIPHERBLOB; /* 165 bytes */
typedef ECCCIPHERBLOB *PECCCIPHERBLOB;

/* An SM2 signature; numbers are right-aligned. */
typedef struct {
    BYTE r[64];
    BYTE s[64];
} ECCSIGNATUREBLOB; /* 128 bytes */
typedef ECCSIGNATUREBLOB *PECCSIGNATUREBLOB;

/* How a session key is used. */
typedef struct {
    BYTE IV[32];
    ULONG IVLen;
    ULONG PaddingType;
    ULONG FeedBitLen;
} BLOCKCIPHERPARAM; /* 44 bytes */
typedef BLOCKCIPHERPARAM *PBLOCKCIPHERPARAM;

/* An encryption key pair on its way into a container. */
typedef struct {
    ULONG Version;
    ULONG ulSymmAlgID;
    ULONG ulBits;
    BYTE cbEncryptedPriKey[64];
    ECCPUBLICKEYBLOB PubKey;
    ECCCIPHERBLOB ECCCipherBlob;
} ENVELOPEDKEYBLOB; /* 373 bytes */
typedef ENVELOPEDKEYBLOB *PENVELOPEDKEYBLOB;

/* What a file is like. */
typedef struct {
    CHAR FileName[32];
    ULONG FileSize;
    ULONG ReadRights;
    ULONG WriteRights;
} FILEATTRIBUTE; /* 44 bytes */
typedef FILEATTRIBUTE *PFILEATTRIBUTE;
#pragma pack(pop)

/* Device management (7.1) */

/* Waits until a device is plugged in or pulled: its name, and DEV_EVENT_INSERTED or DEV_EVENT_REMOVED. What came
 * since the last wait, or since SKF_EnumDev before the first, is told at once. A wait that
 * SKF_CancelWaitForDevEvent ended succeeds with an empty name and event 0. */
ULONG DEVAPI SKF_WaitForDevEvent(CHAR *szDevName, ULONG *pulDevNameLen, ULONG *pulEvent);

/* Ends every SKF_WaitForDevEvent of this process. */
ULONG DEVAPI SKF_CancelWaitForDevEvent(void);

/* The names of the devices, those plugged in or all. */
ULONG DEVAPI SKF_EnumDev(BOOL bPresent, CHAR *szNameList, ULONG *pulSize);

/* Connects to a device by its name. */
ULONG DEVAPI SKF_ConnectDev(const CHAR *szName, DEVHANDLE *phDev);

/* Disconnects: unlocks the device, closes every handle below this one, and destroys its session keys. Rights stay. */
ULONG DEVAPI SKF_DisConnectDev(DEVHANDLE hDev);

/* Whether a device is plugged in. */
ULONG DEVAPI SKF_GetDevState(const CHAR *szDevName, ULONG *pulDevState);

/* Gives the device a label of 1 to 31 bytes. */
ULONG DEVAPI SKF_SetLabel(DEVHANDLE hDev, const CHAR *szLabel);

/* What the device says about itself. */
ULONG DEVAPI SKF_GetDevInfo(DEVHANDLE hDev, DEVINFO *pDevInfo);

/* Takes the device for this handle alone; waits for others at most so many milliseconds, DEV_LOCK_FOREVER without
 * an end. It may be taken more than once, and is free when it was given back as often. */
ULONG DEVAPI SKF_LockDev(DEVHANDLE hDev, ULONG ulTimeOut);

/* Gives the device back. */
ULONG DEVAPI SKF_UnlockDev(DEVHANDLE hDev);

/* Sends a command to the token as it is, and gives its answer as it is. For tests only. */
ULONG DEVAPI SKF_Transmit(DEVHANDLE hDev, const BYTE *pbCommand, ULONG ulCommandLen, BYTE *pbData, ULONG *pulDataLen);

/* Access control (7.2) */

/* Replaces the device authentication key by another of 16 bytes, given in clear. It wants SKF_DevAuth before, and
 * the old key to be known here: the factory's (`1234567812345678`), or the one that this process set last. */
ULONG DEVAPI SKF_ChangeDevAuthKey(DEVHANDLE hDev, const BYTE *pbKeyValue, ULONG ulKeyLen);

/* Proves the device authentication key: the last random, cut to 16 bytes or filled with zeros, encrypted with it
 * (SM4, ECB). Of 32 bytes, as some clients pad, the first 16 count. */
ULONG DEVAPI SKF_DevAuth(DEVHANDLE hDev, const BYTE *pbAuthData, ULONG ulLen);

/* Replaces a PIN; the old one proves the right. A wrong one tells the tries that are left. */
ULONG DEVAPI SKF_ChangePIN(HAPPLICATION hApplication, ULONG ulPINType, const CHAR *szOldPin, const CHAR *szNewPin, ULONG *pulRetryCount);

/* The tries of a PIN, those that are left, and whether nobody has changed it yet. */
ULONG DEVAPI SKF_GetPINInfo(HAPPLICATION hApplication, ULONG ulPINType, ULONG *pulMaxRetryCount, ULONG *pulRemainRetryCount, BOOL *pbDefaultPin);

/* Proves a PIN, and thereby gets its right in this application. A wrong one tells the tries that are left. */
ULONG DEVAPI SKF_VerifyPIN(HAPPLICATION hApplication, ULONG ulPINType, const CHAR *szPIN, ULONG *pulRetryCount);

/* Sets a new user PIN, and gives it back its tries; the administrator PIN proves the right. A wrong one tells the
 * tries that are left. */
ULONG DEVAPI SKF_UnblockPIN(HAPPLICATION hApplication, const CHAR *szAdminPIN, const CHAR *szNewUserPIN, ULONG *pulRetryCount);

/* Drops every right held in this application. */
ULONG DEVAPI SKF_ClearSecureState(HAPPLICATION hApplication);

/* Applications (7.3) */

/* Creates an application with its PINs, their tries, and who may create files in it; opens it. Wants the device
 * right (SKF_DevAuth). */
ULONG DEVAPI SKF_CreateApplication(DEVHANDLE hDev, const CHAR *szAppName, const CHAR *szAdminPin, DWORD dwAdminPinRetryCount, const CHAR *szUserPin, DWORD dwUserPinRetryCount, DWORD dwCreateFileRights, HAPPLICATION *phApplication);

/* The names of the applications. */
ULONG DEVAPI SKF_EnumApplication(DEVHANDLE hDev, CHAR *szAppName, ULONG *pulSize);

/* Deletes an application with all that is in it. Wants the device right (SKF_DevAuth). */
ULONG DEVAPI SKF_DeleteApplication(DEVHANDLE hDev, const CHAR *szAppName);

/* Opens an application. */
ULONG DEVAPI SKF_OpenApplication(DEVHANDLE hDev, const CHAR *szAppName, HAPPLICATION *phApplication);

/* Closes an application. Its containers can be closed later, and used no more; rights stay. */
ULONG DEVAPI SKF_CloseApplication(HAPPLICATION hApplication);

/* Files (7.4) */

/* Creates a file of zeros. Wants the right that the application was created with. */
ULONG DEVAPI SKF_CreateFile(HAPPLICATION hApplication, const CHAR *szFileName, ULONG ulFileSize, ULONG ulReadRights, ULONG ulWriteRights);

/* Deletes a file. Wants the same right. */
ULONG DEVAPI SKF_DeleteFile(HAPPLICATION hApplication, const CHAR *szFileName);

/* The names of the files. */
ULONG DEVAPI SKF_EnumFiles(HAPPLICATION hApplication, CHAR *szFileList, ULONG *pulSize);

/* A file's size and rights. Wants its read right. */
ULONG DEVAPI SKF_GetFileInfo(HAPPLICATION hApplication, const CHAR *szFileName, FILEATTRIBUTE *pFileInfo);

/* Reads at most ulSize bytes of a file from ulOffset on: fewer where it ends before. Wants its read right. */
ULONG DEVAPI SKF_ReadFile(HAPPLICATION hApplication, const CHAR *szFileName, ULONG ulOffset, ULONG ulSize, BYTE *pbOutData, ULONG *pulOutLen);

/* Writes into a file from ulOffset on; what does not fit is refused as a whole. Wants its write right. */
ULONG DEVAPI SKF_WriteFile(HAPPLICATION hApplication, const CHAR *szFileName, ULONG ulOffset, const BYTE *pbData, ULONG ulSize);

/* Containers (7.5) */

/* Creates a container and opens it. Wants the user PIN. */
ULONG DEVAPI SKF_CreateContainer(HAPPLICATION hApplication, const CHAR *szContainerName, HCONTAINER *phContainer);

/* Deletes a container with its keys and certificates. Wants the user PIN. */
ULONG DEVAPI SKF_DeleteContainer(HAPPLICATION hApplication, const CHAR *szContainerName);

/* Opens a container. */
ULONG DEVAPI SKF_OpenContainer(HAPPLICATION hApplication, const CHAR *szContainerName, HCONTAINER *phContainer);

/* Closes a container; also one whose application was closed before. */
ULONG DEVAPI SKF_CloseContainer(HCONTAINER hContainer);

/* The names of the containers. */
ULONG DEVAPI SKF_EnumContainer(HAPPLICATION hApplication, CHAR *szContainerName, ULONG *pulSize);

/* What a container holds: 0 nothing yet, 1 RSA, 2 SM2. */
ULONG DEVAPI SKF_GetContainerType(HCONTAINER hContainer, ULONG *pulContainerType);

/* Stores the certificate of the sign pair (TRUE) or of the encryption pair. Wants the user PIN. */
ULONG DEVAPI SKF_ImportCertificate(HCONTAINER hContainer, BOOL bSignFlag, const BYTE *pbCert, ULONG ulCertLen);

/* The certificate of the sign pair (TRUE) or of the encryption pair. */
ULONG DEVAPI SKF_ExportCertificate(HCONTAINER hContainer, BOOL bSignFlag, BYTE *pbCert, ULONG *pulCertLen);

/* Cryptography (7.6) */

/* Random bytes. The first 16 are also the challenge of the next SKF_DevAuth, filled with zeros where they are fewer. */
ULONG DEVAPI SKF_GenRandom(DEVHANDLE hDev, BYTE *pbRandom, ULONG ulRandomLen);

/* Makes the sign pair of a container, or makes it anew. Wants the user PIN. */
ULONG DEVAPI SKF_GenECCKeyPair(HCONTAINER hContainer, ULONG ulAlgId, ECCPUBLICKEYBLOB *pBlob);

/* Imports the encryption pair of a container, enveloped for its sign pair. Wants the user PIN. */
ULONG DEVAPI SKF_ImportECCKeyPair(HCONTAINER hContainer, const ENVELOPEDKEYBLOB *pEnvelopedKeyBlob);

/* Signs a digest e of 32 bytes with the sign pair. Wants the user PIN. */
ULONG DEVAPI SKF_ECCSignData(HCONTAINER hContainer, const BYTE *pbDigest, ULONG ulDigestLen, ECCSIGNATUREBLOB *pSignature);

/* Whether a signature is that of a digest e of 32 bytes. */
ULONG DEVAPI SKF_ECCVerify(DEVHANDLE hDev, const ECCPUBLICKEYBLOB *pECCPubKeyBlob, const BYTE *pbData, ULONG ulDataLen, const ECCSIGNATUREBLOB *pSignature);

/* Encrypts for a public key from outside. There has to be room for 164 bytes and the plaintext. */
ULONG DEVAPI SKF_ExtECCEncrypt(DEVHANDLE hDev, const ECCPUBLICKEYBLOB *pECCPubKeyBlob, const BYTE *pbPlainText, ULONG ulPlainTextLen, ECCCIPHERBLOB *pCipherText);

/* The public key of the sign pair (TRUE) or of the encryption pair: an ECCPUBLICKEYBLOB. */
ULONG DEVAPI SKF_ExportPublicKey(HCONTAINER hContainer, BOOL bSignFlag, BYTE *pbBlob, ULONG *pulBlobLen);

/* Makes an RSA sign pair. */
ULONG DEVAPI SKF_GenRSAKeyPair(HCONTAINER hContainer, ULONG ulBitsLen, RSAPUBLICKEYBLOB *pBlob);

/* Imports an RSA encryption pair. */
ULONG DEVAPI SKF_ImportRSAKeyPair(HCONTAINER hContainer, ULONG ulSymAlgId, const BYTE *pbWrappedKey, ULONG ulWrappedKeyLen, const BYTE *pbEncryptedData, ULONG ulEncryptedDataLen);

/* Signs with an RSA sign pair. */
ULONG DEVAPI SKF_RSASignData(HCONTAINER hContainer, const BYTE *pbData, ULONG ulDataLen, BYTE *pbSignature, ULONG *pulSignLen);

/* Verifies an RSA signature. */
ULONG DEVAPI SKF_RSAVerify(DEVHANDLE hDev, const RSAPUBLICKEYBLOB *pRSAPubKeyBlob, const BYTE *pbData, ULONG ulDataLen, const BYTE *pbSignature, ULONG ulSignLen);

/* Makes a session key and seals it for an RSA public key. */
ULONG DEVAPI SKF_RSAExportSessionKey(HCONTAINER hContainer, ULONG ulAlgId, const RSAPUBLICKEYBLOB *pPubKey, BYTE *pbData, ULONG *pulDataLen, HANDLE *phSessionKey);

/* Makes a session key, and seals it for a public key. Wants the user PIN. There has to be room for 164 bytes and
 * the key. */
ULONG DEVAPI SKF_ECCExportSessionKey(HCONTAINER hContainer, ULONG ulAlgId, const ECCPUBLICKEYBLOB *pPubKey, ECCCIPHERBLOB *pData, HANDLE *phSessionKey);

/* Imports a session key that was sealed for the encryption pair of a container: an ECCCIPHERBLOB. Wants the user
 * PIN. */
ULONG DEVAPI SKF_ImportSessionKey(HCONTAINER hContainer, ULONG ulAlgId, const BYTE *pbWrapedData, ULONG ulWrapedLen, HANDLE *phKey);

/* Begins an agreement as its sponsor: the temporary public key for the other side. Wants the user PIN. */
ULONG DEVAPI SKF_GenerateAgreementDataWithECC(HCONTAINER hContainer, ULONG ulAlgId, ECCPUBLICKEYBLOB *pTempECCPubKeyBlob, const BYTE *pbID, ULONG ulIDLen, HANDLE *phAgreementHandle);

/* Answers another's agreement: the own temporary public key for the other side, and the session key. Wants the
 * user PIN. */
ULONG DEVAPI SKF_GenerateAgreementDataAndKeyWithECC(HCONTAINER hContainer, ULONG ulAlgId, const ECCPUBLICKEYBLOB *pSponsorECCPubKeyBlob, const ECCPUBLICKEYBLOB *pSponsorTempECCPubKeyBlob, ECCPUBLICKEYBLOB *pTempECCPubKeyBlob, const BYTE *pbID, ULONG ulIDLen, const BYTE *pbSponsorID, ULONG ulSponsorIDLen, HANDLE *phKeyHandle);

/* Ends an agreement as its sponsor: the session key. An agreement ends once, and is closed by SKF_CloseHandle. */
ULONG DEVAPI SKF_GenerateKeyWithECC(HANDLE hAgreementHandle, const ECCPUBLICKEYBLOB *pECCPubKeyBlob, const ECCPUBLICKEYBLOB *pTempECCPubKeyBlob, const BYTE *pbID, ULONG ulIDLen, HANDLE *phKeyHandle);

/* Begins an encryption. */
ULONG DEVAPI SKF_EncryptInit(HANDLE hKey, BLOCKCIPHERPARAM EncryptParam);

/* Encrypts all in one, and ends what was begun. */
ULONG DEVAPI SKF_Encrypt(HANDLE hKey, const BYTE *pbData, ULONG ulDataLen, BYTE *pbEncryptedData, ULONG *pulEncryptedLen);

/* Encrypts a part; whole blocks come out. */
ULONG DEVAPI SKF_EncryptUpdate(HANDLE hKey, const BYTE *pbData, ULONG ulDataLen, BYTE *pbEncryptedData, ULONG *pulEncryptedLen);

/* Ends an encryption; the rest comes out. */
ULONG DEVAPI SKF_EncryptFinal(HANDLE hKey, BYTE *pbEncryptedData, ULONG *pulEncryptedDataLen);

/* Begins a decryption. */
ULONG DEVAPI SKF_DecryptInit(HANDLE hKey, BLOCKCIPHERPARAM DecryptParam);

/* Decrypts all in one, and ends what was begun. */
ULONG DEVAPI SKF_Decrypt(HANDLE hKey, const BYTE *pbEncryptedData, ULONG ulEncryptedLen, BYTE *pbData, ULONG *pulDataLen);

/* Decrypts a part; whole blocks come out, with padding all but the last. */
ULONG DEVAPI SKF_DecryptUpdate(HANDLE hKey, const BYTE *pbEncryptedData, ULONG ulEncryptedLen, BYTE *pbData, ULONG *pulDataLen);

/* Ends a decryption; the rest comes out. */
ULONG DEVAPI SKF_DecryptFinal(HANDLE hKey, BYTE *pbDecryptedData, ULONG *pulDecryptedDataLen);

/* Begins a digest. With SM3, a public key and an identity: that of an SM2 signature. */
ULONG DEVAPI SKF_DigestInit(DEVHANDLE hDev, ULONG ulAlgID, const ECCPUBLICKEYBLOB *pPubKey, const BYTE *pucID, ULONG ulIDLen, HANDLE *phHash);

/* The digest of a message, in one. */
ULONG DEVAPI SKF_Digest(HANDLE hHash, const BYTE *pbData, ULONG ulDataLen, BYTE *pbHashData, ULONG *pulHashLen);

/* A part of the message. */
ULONG DEVAPI SKF_DigestUpdate(HANDLE hHash, const BYTE *pbData, ULONG ulDataLen);

/* The digest of the parts. */
ULONG DEVAPI SKF_DigestFinal(HANDLE hHash, BYTE *pHashData, ULONG *pulHashLen);

/* Begins a MAC. A key has one at a time. */
ULONG DEVAPI SKF_MacInit(HANDLE hKey, const BLOCKCIPHERPARAM *pMacParam, HANDLE *phMac);

/* The MAC of a message, in one. */
ULONG DEVAPI SKF_Mac(HANDLE hMac, const BYTE *pbData, ULONG ulDataLen, BYTE *pbMacData, ULONG *pulMacLen);

/* A part of the message. */
ULONG DEVAPI SKF_MacUpdate(HANDLE hMac, const BYTE *pbData, ULONG ulDataLen);

/* The MAC of the parts. */
ULONG DEVAPI SKF_MacFinal(HANDLE hMac, BYTE *pbMacData, ULONG *pulMacDataLen);

/* Closes a session key, a digest, a MAC or an agreement. */
ULONG DEVAPI SKF_CloseHandle(HANDLE hHandle);

/* Extensions that clients look for */

/* Sets a session key of the device itself in clear: 16 bytes. Wants no right. */
ULONG DEVAPI SKF_SetSymmKey(DEVHANDLE hDev, const BYTE *pbKey, ULONG ulAlgID, HANDLE *phKey);

/* Makes a session key in a container that has a sign pair; SKF_ECCExportSessionKeyByHandle seals it. Wants the
 * user PIN. */
ULONG DEVAPI SKF_GenerateKey(HCONTAINER hContainer, ULONG ulAlgId, HANDLE *phSessionKey);

/* Seals a session key for a public key. Wants the user PIN, and the key of a container. There has to be room
 * for 164 bytes and the key. */
ULONG DEVAPI SKF_ECCExportSessionKeyByHandle(HANDLE hSessionKey, const ECCPUBLICKEYBLOB *pPubKey, ECCCIPHERBLOB *pData);

/* Decrypts with a private key from outside. */
ULONG DEVAPI SKF_ExtECCDecrypt(DEVHANDLE hDev, const ECCPRIVATEKEYBLOB *pECCPriKeyBlob, const ECCCIPHERBLOB *pCipherText, BYTE *pbPlainText, ULONG *pulPlainTextLen);

/* Decrypts with the encryption pair of a container. No command of GM/T 0017 does: SAR_NOTSUPPORTYETERR.
 * Libraries disagree on its parameters, so none but the first is looked at. */
ULONG DEVAPI SKF_ECCDecrypt(HCONTAINER hContainer, const ECCCIPHERBLOB *pCipherText, BYTE *pbPlainText, ULONG *pulPlainTextLen);

/* The same with a pair of one's choice, and the same answer. */
ULONG DEVAPI SKF_PrvKeyDecrypt(HCONTAINER hContainer, ULONG ulType, const ECCCIPHERBLOB *pCipherText, BYTE *pbData, ULONG *pulDataLen);

/* Signs a digest e of 32 bytes with a private key from outside. */
ULONG DEVAPI SKF_ExtECCSign(DEVHANDLE hDev, const ECCPRIVATEKEYBLOB *pECCPriKeyBlob, const BYTE *pbData, ULONG ulDataLen, ECCSIGNATUREBLOB *pSignature);

/* The same as SKF_ECCVerify. */
ULONG DEVAPI SKF_ExtECCVerify(DEVHANDLE hDev, const ECCPUBLICKEYBLOB *pECCPubKeyBlob, const BYTE *pbData, ULONG ulDataLen, const ECCSIGNATUREBLOB *pSignature);

/* Makes an RSA pair for use outside. */
ULONG DEVAPI SKF_GenExtRSAKey(DEVHANDLE hDev, ULONG ulBitsLen, RSAPRIVATEKEYBLOB *pBlob);

/* Computes with an RSA public key from outside. */
ULONG DEVAPI SKF_ExtRSAPubKeyOperation(DEVHANDLE hDev, const RSAPUBLICKEYBLOB *pRSAPubKeyBlob, const BYTE *pbInput, ULONG ulInputLen, BYTE *pbOutput, ULONG *pulOutputLen);

/* Computes with an RSA private key from outside. */
ULONG DEVAPI SKF_ExtRSAPriKeyOperation(DEVHANDLE hDev, const RSAPRIVATEKEYBLOB *pRSAPriKeyBlob, const BYTE *pbInput, ULONG ulInputLen, BYTE *pbOutput, ULONG *pulOutputLen);

/* Our own */

/* Pulls a simulated device: what is open in it answers SAR_DEVICE_REMOVED from now on. Not in GM/T 0016. */
ULONG DEVAPI UKEY_Unplug(const CHAR *szDevName);

/* Pulls a simulated device when the token has answered so many more commands. Not in GM/T 0016. */
ULONG DEVAPI UKEY_UnplugAfter(const CHAR *szDevName, ULONG ulCommands);

/* Whether a device is simulated: whether there is a hand that can pull it. Not in GM/T 0016. */
ULONG DEVAPI UKEY_IsSimulated(const CHAR *szDevName, BOOL *pbSimulated);

/* Plugs a simulated device in again. Not in GM/T 0016. */
ULONG DEVAPI UKEY_PlugIn(const CHAR *szDevName);

/* What the last function of this thread that failed had to say, in UTF-8: the token's command and status
 * word, and what to do next. Empty where the code says all. Not in GM/T 0016. */
ULONG DEVAPI UKEY_LastError(CHAR *szText, ULONG *pulSize);

#ifdef __cplusplus
}
#endif

#endif
