/* A program in C that walks through every function of the interface: each succeeds at least once, save those that a
 * token without RSA cannot do, and each is refused at least once. It is run with two fresh tokens.
 *
 * Prints the line that did not answer as it should, and ends with 1; else with 0. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ukey_skf.h"

static void is(int line, const char *call, ULONG code, ULONG expected)
{
    char why[512] = "";
    ULONG size = sizeof why;
    if (code == expected)
        return;
    if (UKEY_LastError(why, &size) != SAR_OK)
        why[0] = 0;
    fprintf(stderr, "line %d: %s\n  answered 0x%08X instead of 0x%08X; %s\n", line, call, (unsigned)code,
            (unsigned)expected, why);
    exit(1);
}

static void holds(int line, const char *condition, int is_so)
{
    if (!is_so) {
        fprintf(stderr, "line %d: %s does not hold\n", line, condition);
        exit(1);
    }
}

#define IS(call, code) is(__LINE__, #call, (call), (code))
#define OK(call) IS(call, SAR_OK)
#define HOLDS(condition) holds(__LINE__, #condition, (condition))
#define NOT_A_HANDLE ((HANDLE)(uintptr_t)0x1234)

static const BYTE FACTORY_KEY[] = "1234567812345678";
static const BLOCKCIPHERPARAM PLAIN = {{0}, 0, NO_PADDING, 0};

static BYTE at(const char *hex, int index)
{
    unsigned byte;
    sscanf(hex + 2 * index, "%2x", &byte);
    return (BYTE)byte;
}

static void number(BYTE *field, const char *hex)
{
    memset(field, 0, 32);
    for (int index = 0; index < 32; index++)
        field[32 + index] = at(hex, index);
}

/* The pair of the example of GB/T 32918.5. */
static ECCPRIVATEKEYBLOB private_key(void)
{
    ECCPRIVATEKEYBLOB key = {.BitLen = 256};
    number(key.PrivateKey, "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8");
    return key;
}

static ECCPUBLICKEYBLOB public_key(void)
{
    ECCPUBLICKEYBLOB key = {.BitLen = 256};
    number(key.XCoordinate, "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020");
    number(key.YCoordinate, "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13");
    return key;
}

static void sm4(DEVHANDLE device, const BYTE *key, const BYTE *data, ULONG length, BYTE *out)
{
    HANDLE handle;
    ULONG size = length;
    OK(SKF_SetSymmKey(device, key, SGD_SM4_ECB, &handle));
    OK(SKF_EncryptInit(handle, PLAIN));
    OK(SKF_Encrypt(handle, data, length, out, &size));
    HOLDS(size == length);
    OK(SKF_CloseHandle(handle));
}

static void authenticate(DEVHANDLE device, const BYTE *key)
{
    BYTE challenge[16] = {0}, random[200], cryptogram[16];
    OK(SKF_GenRandom(device, challenge, 8));
    sm4(device, key, challenge, 16, cryptogram);
    OK(SKF_DevAuth(device, cryptogram, 16));
    OK(SKF_GenRandom(device, random, sizeof random));
    sm4(device, key, random, 16, cryptogram);
    OK(SKF_DevAuth(device, cryptogram, 16));
}

static atomic_int waited;

static void *wait(void *unused)
{
    CHAR name[64];
    ULONG size = sizeof name, event = 7;
    (void)unused;
    OK(SKF_WaitForDevEvent(name, &size, &event));
    HOLDS(event == 0 && size == 1 && name[0] == 0);
    atomic_store(&waited, 1);
    return NULL;
}

static void devices(CHAR *name, DEVHANDLE *device)
{
    CHAR names[256], event_name[64];
    ULONG size = 0, state, event;
    BOOL simulated = FALSE;
    DEVINFO info;
    pthread_t thread;

    OK(SKF_EnumDev(TRUE, NULL, &size));
    IS(SKF_EnumDev(TRUE, names, &(ULONG){size - 1}), SAR_BUFFER_TOO_SMALL);
    OK(SKF_EnumDev(TRUE, names, &size));
    HOLDS(strlen(names) > 0 && names[strlen(names) + 1] != 0 && names[size - 1] == 0 && names[size - 2] == 0);
    strcpy(name, names);
    OK(SKF_GetDevState(name, &state));
    HOLDS(state == DEV_PRESENT_STATE);
    OK(SKF_GetDevState("nobody", &state));
    HOLDS(state == DEV_UNKNOW_STATE);
    IS(SKF_GetDevState(name, NULL), SAR_INVALIDPARAMERR);
    IS(SKF_ConnectDev("nobody", device), SAR_INVALIDPARAMERR);
    OK(SKF_ConnectDev(name, device));
    OK(SKF_DisConnectDev(*device));
    IS(SKF_DisConnectDev(*device), SAR_INVALIDHANDLEERR);
    OK(SKF_ConnectDev(name, device));

    OK(UKEY_IsSimulated(name, &simulated));
    HOLDS(simulated == TRUE);
    IS(UKEY_IsSimulated("nothing", &simulated), SAR_INVALIDPARAMERR);
    OK(UKEY_UnplugAfter(name, 1));
    IS(UKEY_UnplugAfter("nothing", 1), SAR_INVALIDPARAMERR);
    OK(SKF_GetDevInfo(*device, &info));
    IS(SKF_GetDevInfo(*device, &info), SAR_DEVICE_REMOVED);
    size = sizeof event_name;
    OK(SKF_WaitForDevEvent(event_name, &size, &event));
    HOLDS(event == DEV_EVENT_REMOVED && strcmp(event_name, name) == 0);
    OK(UKEY_PlugIn(name));
    IS(SKF_GetDevInfo(*device, &info), SAR_DEVICE_REMOVED);
    size = sizeof event_name;
    OK(SKF_WaitForDevEvent(event_name, &size, &event));
    HOLDS(event == DEV_EVENT_INSERTED && strcmp(event_name, name) == 0);
    OK(SKF_DisConnectDev(*device));
    OK(SKF_ConnectDev(name, device));

    OK(UKEY_Unplug(name));
    IS(UKEY_Unplug(name), SAR_DEVICE_REMOVED);
    IS(SKF_GetDevInfo(*device, &info), SAR_DEVICE_REMOVED);
    size = 3;
    IS(SKF_WaitForDevEvent(event_name, &size, &event), SAR_BUFFER_TOO_SMALL);
    OK(SKF_WaitForDevEvent(event_name, &size, &event));
    HOLDS(event == DEV_EVENT_REMOVED && strcmp(event_name, name) == 0);
    OK(UKEY_PlugIn(name));
    IS(UKEY_PlugIn(name), SAR_FAIL);
    size = sizeof event_name;
    OK(SKF_WaitForDevEvent(event_name, &size, &event));
    HOLDS(event == DEV_EVENT_INSERTED && strcmp(event_name, name) == 0);
    HOLDS(pthread_create(&thread, NULL, wait, NULL) == 0);
    while (!atomic_load(&waited)) {
        OK(SKF_CancelWaitForDevEvent());
        sched_yield();
    }
    pthread_join(thread, NULL);
    OK(SKF_DisConnectDev(*device));
    OK(SKF_ConnectDev(name, device));

    OK(SKF_SetLabel(*device, "walk"));
    IS(SKF_SetLabel(*device, ""), SAR_NAMELENERR);
    OK(SKF_GetDevInfo(*device, &info));
    IS(SKF_GetDevInfo(*device, NULL), SAR_INVALIDPARAMERR);
    HOLDS(strcmp(info.Label, "walk") == 0 && info.DevAuthAlgId == SGD_SM4_ECB);
}

static void device(const CHAR *name, DEVHANDLE device)
{
    static const BYTE raw[] = {0x80, 0x04, 0, 0, 0, 0, 0};
    BYTE answer[512], random[40];
    ULONG size = sizeof answer;
    DEVHANDLE other;

    OK(SKF_Transmit(device, raw, sizeof raw, answer, &size));
    HOLDS(size == 290 && answer[288] == 0x90);
    IS(SKF_Transmit(device, raw, 0, answer, &size), SAR_INDATALENERR);
    OK(SKF_ConnectDev(name, &other));
    OK(SKF_LockDev(device, DEV_LOCK_FOREVER));
    OK(SKF_LockDev(device, 0));
    IS(SKF_LockDev(other, 10), SAR_TIMEOUTERR);
    OK(SKF_UnlockDev(device));
    IS(SKF_LockDev(other, 0), SAR_TIMEOUTERR);
    OK(SKF_UnlockDev(device));
    OK(SKF_LockDev(other, 0));
    OK(SKF_DisConnectDev(other));
    IS(SKF_UnlockDev(other), SAR_INVALIDHANDLEERR);
    IS(SKF_UnlockDev(other), SAR_INVALIDHANDLEERR);
    OK(SKF_ConnectDev(name, &other));
    OK(SKF_LockDev(device, 0));
    IS(SKF_GenRandom(other, random, 8), SAR_FAIL);
    IS(SKF_UnlockDev(other), SAR_FAIL);
    OK(SKF_UnlockDev(device));
    OK(SKF_GenRandom(other, random, 8));
    OK(SKF_DisConnectDev(other));
    OK(SKF_GenRandom(device, random, sizeof random));
    IS(SKF_GenRandom(device, random, 0), SAR_INDATALENERR);
}

static HAPPLICATION applications(DEVHANDLE device)
{
    static const BYTE new_key[16] = {9};
    HAPPLICATION application;
    CHAR names[64];
    ULONG size = sizeof names, left = 0, most;
    BOOL is_default;
    BYTE wrong[16] = {0};

    IS(SKF_CreateApplication(device, "APP", "87654321", 5, "12345678", 5, SECURE_USER_ACCOUNT, &application), SAR_FAIL);
    IS(SKF_DevAuth(device, wrong, 16), SAR_FAIL);
    IS(SKF_ChangeDevAuthKey(device, new_key, 16), SAR_FAIL);
    authenticate(device, FACTORY_KEY);
    OK(SKF_ChangeDevAuthKey(device, new_key, 16));
    authenticate(device, new_key);
    OK(SKF_CreateApplication(device, "APP", "87654321", 5, "12345678", 5, SECURE_USER_ACCOUNT, &application));
    OK(SKF_EnumApplication(device, names, &size));
    HOLDS(size == 5 && memcmp(names, "APP\0", 5) == 0);
    size = 4;
    IS(SKF_EnumApplication(device, names, &size), SAR_BUFFER_TOO_SMALL);
    OK(SKF_CloseApplication(application));
    IS(SKF_CloseApplication(application), SAR_INVALIDHANDLEERR);
    IS(SKF_OpenApplication(device, "OTHER", &application), SAR_APPLICATION_NOT_EXISTS);
    OK(SKF_OpenApplication(device, "APP", &application));
    IS(SKF_DeleteApplication(device, "OTHER"), SAR_APPLICATION_NOT_EXISTS);

    IS(SKF_VerifyPIN(application, USER_TYPE, "wrong-pin", &left), SAR_PIN_INCORRECT);
    HOLDS(left == 4);
    IS(SKF_ChangePIN(application, USER_TYPE, "wrong-pin", "new-pin", &left), SAR_PIN_INCORRECT);
    HOLDS(left == 3);
    OK(SKF_GetPINInfo(application, USER_TYPE, &most, &left, &is_default));
    HOLDS(most == 5 && left == 3 && is_default == TRUE);
    IS(SKF_GetPINInfo(application, 2, &most, &left, &is_default), SAR_USER_TYPE_INVALID);
    OK(SKF_ChangePIN(application, USER_TYPE, "12345678", "new-pin", &left));
    IS(SKF_UnblockPIN(application, "wrong-pin", "12345678", &left), SAR_PIN_INCORRECT);
    OK(SKF_UnblockPIN(application, "87654321", "12345678", &left));
    OK(SKF_ClearSecureState(application));
    IS(SKF_ClearSecureState(NOT_A_HANDLE), SAR_INVALIDHANDLEERR);
    OK(SKF_VerifyPIN(application, USER_TYPE, "12345678", &left));
    return application;
}

static void files(HAPPLICATION application)
{
    BYTE data[100] = "content", back[100];
    CHAR names[64];
    ULONG size = sizeof names;
    FILEATTRIBUTE attribute;

    OK(SKF_CreateFile(application, "F", sizeof data, SECURE_ANYONE_ACCOUNT, SECURE_USER_ACCOUNT));
    IS(SKF_CreateFile(application, "F", sizeof data, 0, 0), SAR_FILE_ALREADY_EXIST);
    OK(SKF_EnumFiles(application, names, &size));
    HOLDS(size == 3);
    IS(SKF_EnumFiles(application, names, NULL), SAR_INVALIDPARAMERR);
    OK(SKF_GetFileInfo(application, "F", &attribute));
    HOLDS(attribute.FileSize == sizeof data && attribute.ReadRights == SECURE_ANYONE_ACCOUNT);
    IS(SKF_GetFileInfo(application, "G", &attribute), SAR_FILE_NOT_EXIST);
    OK(SKF_WriteFile(application, "F", 0, data, sizeof data));
    IS(SKF_WriteFile(application, "F", 1, data, sizeof data), SAR_INVALIDPARAMERR);
    size = sizeof back;
    OK(SKF_ReadFile(application, "F", 0, sizeof data, back, &size));
    HOLDS(size == sizeof data && memcmp(data, back, size) == 0);
    size = 10;
    IS(SKF_ReadFile(application, "F", 0, sizeof data, back, &size), SAR_BUFFER_TOO_SMALL);
    OK(SKF_DeleteFile(application, "F"));
    IS(SKF_DeleteFile(application, "F"), SAR_FILE_NOT_EXIST);
}

/* A container with both pairs; the encryption pair is the example's. */
static HCONTAINER container(DEVHANDLE device, HAPPLICATION application, const CHAR *name)
{
    static const BYTE key[16] = {0x5A};
    union {
        ENVELOPEDKEYBLOB blob;
        BYTE bytes[sizeof(ENVELOPEDKEYBLOB) + 15];
    } envelope;
    HCONTAINER container;
    ECCPUBLICKEYBLOB sign_key;
    ECCPRIVATEKEYBLOB pair = private_key();

    OK(SKF_CreateContainer(application, name, &container));
    IS(SKF_CreateContainer(application, name, &container), SAR_OBJERR);
    IS(SKF_GenECCKeyPair(container, SGD_SM4_ECB, &sign_key), SAR_NOTSUPPORTYETERR);
    OK(SKF_GenECCKeyPair(container, SGD_SM2_1, &sign_key));
    memset(&envelope, 0, sizeof envelope);
    envelope.blob.Version = 1;
    envelope.blob.ulSymmAlgID = SGD_SM4_ECB;
    envelope.blob.ulBits = 256;
    sm4(device, key, pair.PrivateKey + 32, 32, envelope.blob.cbEncryptedPriKey);
    envelope.blob.PubKey = public_key();
    OK(SKF_ExtECCEncrypt(device, &sign_key, key, sizeof key, &envelope.blob.ECCCipherBlob));
    OK(SKF_ImportECCKeyPair(container, &envelope.blob));
    envelope.blob.cbEncryptedPriKey[0] ^= 1;
    HOLDS(SKF_ImportECCKeyPair(container, &envelope.blob) != SAR_OK);
    return container;
}

static void containers(DEVHANDLE device, HAPPLICATION application)
{
    BYTE certificate[600] = {0x30}, back[600];
    CHAR names[64];
    ULONG size = sizeof names, type;
    HCONTAINER one = container(device, application, "ONE"), again;

    OK(SKF_EnumContainer(application, names, &size));
    HOLDS(size == 5 && strcmp(names, "ONE") == 0);
    size = 1;
    IS(SKF_EnumContainer(application, names, &size), SAR_BUFFER_TOO_SMALL);
    OK(SKF_OpenContainer(application, "ONE", &again));
    IS(SKF_OpenContainer(application, "OTHER", &again), SAR_INVALIDPARAMERR);
    OK(SKF_CloseContainer(again));
    IS(SKF_CloseContainer(again), SAR_INVALIDHANDLEERR);
    OK(SKF_GetContainerType(one, &type));
    HOLDS(type == 2);
    IS(SKF_GetContainerType(again, &type), SAR_INVALIDHANDLEERR);
    size = sizeof back;
    IS(SKF_ExportCertificate(one, TRUE, back, &size), SAR_CERTNOTFOUNTERR);
    OK(SKF_ImportCertificate(one, TRUE, certificate, sizeof certificate));
    IS(SKF_ImportCertificate(one, TRUE, NULL, sizeof certificate), SAR_INVALIDPARAMERR);
    OK(SKF_ExportCertificate(one, TRUE, back, &size));
    HOLDS(size == sizeof certificate && memcmp(back, certificate, size) == 0);
    OK(SKF_DeleteContainer(application, "ONE"));
    IS(SKF_DeleteContainer(application, "ONE"), SAR_INVALIDPARAMERR);
    OK(SKF_CloseContainer(one));
}

static void sm2(DEVHANDLE device, HCONTAINER container)
{
    BYTE digest[32] = {1}, plain[20] = "plain text", back[20];
    union {
        ECCCIPHERBLOB blob;
        BYTE bytes[sizeof(ECCCIPHERBLOB) + 19];
    } cipher;
    ECCPUBLICKEYBLOB sign_key, outside = public_key();
    ECCPRIVATEKEYBLOB private = private_key();
    ECCSIGNATUREBLOB signature;
    ULONG size = sizeof sign_key;

    OK(SKF_ExportPublicKey(container, TRUE, (BYTE *)&sign_key, &size));
    HOLDS(size == 132);
    size = 131;
    IS(SKF_ExportPublicKey(container, TRUE, (BYTE *)&sign_key, &size), SAR_BUFFER_TOO_SMALL);
    OK(SKF_ECCSignData(container, digest, 32, &signature));
    IS(SKF_ECCSignData(container, digest, 33, &signature), SAR_INDATALENERR);
    OK(SKF_ECCVerify(device, &sign_key, digest, 32, &signature));
    IS(SKF_ECCVerify(device, &outside, digest, 32, &signature), SAR_HASHNOTEQUALERR);
    OK(SKF_ExtECCSign(device, &private, digest, 32, &signature));
    IS(SKF_ExtECCSign(device, &private, digest, 31, &signature), SAR_INDATALENERR);
    OK(SKF_ExtECCVerify(device, &outside, digest, 32, &signature));
    IS(SKF_ExtECCVerify(device, &sign_key, digest, 32, &signature), SAR_HASHNOTEQUALERR);
    OK(SKF_ExtECCEncrypt(device, &outside, plain, sizeof plain, &cipher.blob));
    IS(SKF_ExtECCEncrypt(device, &outside, plain, 0, &cipher.blob), SAR_INDATALENERR);
    HOLDS(cipher.blob.CipherLen == sizeof plain);
    size = sizeof back;
    OK(SKF_ExtECCDecrypt(device, &private, &cipher.blob, back, &size));
    HOLDS(size == sizeof plain && memcmp(plain, back, size) == 0);
    cipher.blob.HASH[0] ^= 1;
    HOLDS(SKF_ExtECCDecrypt(device, &private, &cipher.blob, back, &size) != SAR_OK);
}

/* Session keys: `one` makes one for the example's encryption pair, `two` owns that pair. */
static void session_keys(HCONTAINER one, HCONTAINER two)
{
    union {
        ECCCIPHERBLOB blob;
        BYTE bytes[sizeof(ECCCIPHERBLOB) + 15];
    } sealed, again;
    ECCPUBLICKEYBLOB key = public_key();
    BLOCKCIPHERPARAM padded = {{1, 2, 3}, 16, PKCS5_PADDING, 0};
    BYTE plain[100], cipher[128], back[128];
    HANDLE mine, theirs, mac;
    ULONG size, total;

    for (ULONG index = 0; index < sizeof plain; index++)
        plain[index] = (BYTE)index;
    OK(SKF_ECCExportSessionKey(one, SGD_SM4_CBC, &key, &sealed.blob, &mine));
    IS(SKF_ECCExportSessionKey(one, 0x101, &key, &sealed.blob, &theirs), SAR_NOTSUPPORTYETERR);
    OK(SKF_ECCExportSessionKeyByHandle(mine, &key, &again.blob));
    IS(SKF_ECCExportSessionKeyByHandle(NOT_A_HANDLE, &key, &again.blob), SAR_INVALIDHANDLEERR);
    OK(SKF_CloseHandle(mine));
    OK(SKF_GenerateKey(one, SGD_SM4_CBC, &mine));
    IS(SKF_GenerateKey(one, 0x101, &theirs), SAR_NOTSUPPORTYETERR);
    OK(SKF_ECCExportSessionKeyByHandle(mine, &key, &again.blob));
    IS(SKF_ECCDecrypt(two, &again.blob, back, &size), SAR_NOTSUPPORTYETERR);
    IS(SKF_ECCDecrypt(NOT_A_HANDLE, &again.blob, back, &size), SAR_INVALIDHANDLEERR);
    IS(SKF_PrvKeyDecrypt(two, 1, &again.blob, back, &size), SAR_NOTSUPPORTYETERR);
    IS(SKF_PrvKeyDecrypt(NOT_A_HANDLE, 1, &again.blob, back, &size), SAR_INVALIDHANDLEERR);
    OK(SKF_ImportSessionKey(two, SGD_SM4_CBC, again.bytes, 164 + 16, &theirs));
    IS(SKF_ImportSessionKey(two, SGD_SM4_CBC, again.bytes, 164 + 15, &theirs), SAR_INDATALENERR);

    IS(SKF_Encrypt(mine, plain, sizeof plain, cipher, &(ULONG){sizeof cipher}), SAR_NOTINITIALIZEERR);
    OK(SKF_EncryptInit(mine, padded));
    IS(SKF_EncryptInit(NOT_A_HANDLE, padded), SAR_INVALIDHANDLEERR);
    OK(SKF_Encrypt(mine, plain, sizeof plain, NULL, &size));
    HOLDS(size == 112);
    OK(SKF_Encrypt(mine, plain, sizeof plain, cipher, &size));
    /* In place: one buffer for what goes in and what comes out. */
    BYTE in_place[112];
    memcpy(in_place, plain, sizeof plain);
    OK(SKF_EncryptInit(mine, padded));
    OK(SKF_Encrypt(mine, in_place, sizeof plain, in_place, &(ULONG){sizeof in_place}));
    HOLDS(memcmp(in_place, cipher, sizeof in_place) == 0);
    OK(SKF_DecryptInit(theirs, padded));
    OK(SKF_Decrypt(theirs, in_place, sizeof in_place, in_place, &(ULONG){sizeof in_place}));
    HOLDS(memcmp(in_place, plain, sizeof plain) == 0);
    OK(SKF_DecryptInit(theirs, padded));
    padded.PaddingType = 2;
    IS(SKF_DecryptInit(theirs, padded), SAR_INVALIDPARAMERR);
    padded.PaddingType = PKCS5_PADDING;
    OK(SKF_DecryptInit(theirs, padded));
    size = sizeof back;
    OK(SKF_Decrypt(theirs, cipher, 112, back, &size));
    HOLDS(size == sizeof plain && memcmp(back, plain, size) == 0);
    IS(SKF_Decrypt(theirs, cipher, 112, back, &size), SAR_NOTINITIALIZEERR);

    OK(SKF_EncryptInit(mine, padded));
    size = 48;
    OK(SKF_EncryptUpdate(mine, plain, 50, back, &size));
    HOLDS(size == 48 && memcmp(back, cipher, 48) == 0);
    total = size;
    size = 47;
    IS(SKF_EncryptUpdate(mine, plain + 50, 50, back + total, &size), SAR_BUFFER_TOO_SMALL);
    OK(SKF_EncryptUpdate(mine, plain + 50, 50, back + total, &size));
    total += size;
    size = sizeof back - total;
    OK(SKF_EncryptFinal(mine, back + total, &size));
    HOLDS(total + size == 112 && memcmp(back, cipher, 112) == 0);
    IS(SKF_EncryptFinal(mine, back, &size), SAR_NOTINITIALIZEERR);
    IS(SKF_DecryptUpdate(theirs, cipher, 16, back, &size), SAR_NOTINITIALIZEERR);
    OK(SKF_DecryptInit(theirs, padded));
    size = 96;
    OK(SKF_DecryptUpdate(theirs, cipher, 112, back, &size));
    HOLDS(size == 96);
    size = 16;
    OK(SKF_DecryptFinal(theirs, back + 96, &size));
    HOLDS(size == 4 && memcmp(back, plain, 100) == 0);
    IS(SKF_DecryptFinal(theirs, back, &size), SAR_NOTINITIALIZEERR);

    padded.PaddingType = NO_PADDING;
    OK(SKF_MacInit(mine, &padded, &mac));
    IS(SKF_MacInit(mine, NULL, &mac), SAR_INVALIDPARAMERR);
    size = 16;
    OK(SKF_Mac(mac, plain, 96, cipher, &size));
    IS(SKF_Mac(mac, plain, 95, cipher, &size), SAR_INDATALENERR);
    OK(SKF_CloseHandle(mac));
    OK(SKF_MacInit(theirs, &padded, &mac));
    OK(SKF_MacUpdate(mac, plain, 40));
    OK(SKF_MacUpdate(mac, plain + 40, 56));
    size = 15;
    IS(SKF_MacFinal(mac, back, &size), SAR_BUFFER_TOO_SMALL);
    OK(SKF_MacFinal(mac, back, &size));
    HOLDS(size == 16 && memcmp(back, cipher, 16) == 0);
    IS(SKF_MacUpdate(mine, plain, 16), SAR_INVALIDHANDLEERR);
    OK(SKF_CloseHandle(mac));
    OK(SKF_CloseHandle(mine));
    OK(SKF_CloseHandle(theirs));
    IS(SKF_CloseHandle(theirs), SAR_INVALIDHANDLEERR);
}

static void digests(DEVHANDLE device)
{
    static const char abc[] = "66C7F0F462EEEDD9D1F2D46BDC10E4E24167C4875CF2F7A2297DA02B8F4BA8E0";
    ECCPUBLICKEYBLOB key = public_key();
    const BYTE *text = (const BYTE *)"abc";
    BYTE hash[32], parts[32];
    HANDLE handle, second;
    ULONG size = 31;

    IS(SKF_DigestInit(device, 8, NULL, NULL, 0, &handle), SAR_NOTSUPPORTYETERR);
    OK(SKF_DigestInit(device, SGD_SM3, NULL, NULL, 0, &handle));
    IS(SKF_Digest(handle, text, 3, hash, &size), SAR_BUFFER_TOO_SMALL);
    OK(SKF_Digest(handle, text, 3, hash, &size));
    for (int index = 0; index < 32; index++)
        HOLDS(hash[index] == at(abc, index));
    OK(SKF_CloseHandle(handle));
    OK(SKF_DigestInit(device, SGD_SM3, &key, (const BYTE *)"1234567812345678", 16, &handle));
    OK(SKF_DigestUpdate(handle, text, 1));
    OK(SKF_DigestUpdate(handle, text + 1, 2));
    OK(SKF_DigestFinal(handle, parts, &size));
    HOLDS(memcmp(parts, hash, 32) != 0);
    IS(SKF_DigestFinal(handle, parts, &size), SAR_NOTINITIALIZEERR);
    OK(SKF_DigestInit(device, SGD_SHA256, NULL, NULL, 0, &second));
    IS(SKF_DigestUpdate(handle, text, 3), SAR_HASHOBJERR);
    OK(SKF_CloseHandle(handle));
    OK(SKF_CloseHandle(second));
}

static void agreement(HCONTAINER one, HCONTAINER two)
{
    const BYTE *sponsor = (const BYTE *)"sponsor", *responder = (const BYTE *)"responder";
    ECCPUBLICKEYBLOB key, sponsor_key, responder_key;
    BYTE plain[16] = "agreed", mine[16], theirs[16];
    HANDLE handle, one_key, two_key;
    ULONG size = sizeof key;

    OK(SKF_ExportPublicKey(one, FALSE, (BYTE *)&key, &size));
    OK(SKF_GenerateAgreementDataWithECC(one, SGD_SM4_ECB, &sponsor_key, sponsor, 7, &handle));
    IS(SKF_GenerateAgreementDataWithECC(one, SGD_SM4_ECB, &sponsor_key, sponsor, 33, &two_key), SAR_INDATALENERR);
    OK(SKF_GenerateAgreementDataAndKeyWithECC(two, SGD_SM4_ECB, &key, &sponsor_key, &responder_key, responder, 9,
                                              sponsor, 7, &two_key));
    IS(SKF_GenerateAgreementDataAndKeyWithECC(two, SGD_SM4_ECB, &key, NULL, &responder_key, responder, 9, sponsor, 7,
                                              &one_key),
       SAR_INVALIDPARAMERR);
    OK(SKF_GenerateKeyWithECC(handle, &key, &responder_key, responder, 9, &one_key));
    IS(SKF_GenerateKeyWithECC(handle, &key, &responder_key, responder, 9, &one_key), SAR_KEYNOTFOUNTERR);
    size = 16;
    OK(SKF_EncryptInit(one_key, PLAIN));
    OK(SKF_Encrypt(one_key, plain, 16, mine, &size));
    OK(SKF_EncryptInit(two_key, PLAIN));
    OK(SKF_Encrypt(two_key, plain, 16, theirs, &size));
    HOLDS(memcmp(mine, theirs, 16) == 0 && memcmp(mine, plain, 16) != 0);
    OK(SKF_CloseHandle(handle));
    OK(SKF_CloseHandle(one_key));
    OK(SKF_CloseHandle(two_key));
}

/* A token without RSA says so. */
static void rsa(DEVHANDLE device, HCONTAINER container)
{
    static RSAPUBLICKEYBLOB public;
    static RSAPRIVATEKEYBLOB private;
    BYTE data[256] = {0}, out[256];
    ULONG size = sizeof out;
    HANDLE key;

    IS(SKF_GenRSAKeyPair(container, 2048, &public), SAR_NOTSUPPORTYETERR);
    IS(SKF_GenRSAKeyPair(container, 2047, &public), SAR_RSAMODULUSLENERR);
    IS(SKF_ImportRSAKeyPair(container, SGD_SM4_ECB, data, 16, data, 16), SAR_NOTSUPPORTYETERR);
    IS(SKF_ImportRSAKeyPair(NOT_A_HANDLE, SGD_SM4_ECB, data, 16, data, 16), SAR_INVALIDHANDLEERR);
    IS(SKF_RSASignData(container, data, 32, out, &size), SAR_NOTSUPPORTYETERR);
    IS(SKF_RSASignData(container, data, 32, out, NULL), SAR_INVALIDPARAMERR);
    IS(SKF_RSAVerify(device, &public, data, 32, out, 256), SAR_NOTSUPPORTYETERR);
    IS(SKF_RSAVerify(device, NULL, data, 32, out, 256), SAR_INVALIDPARAMERR);
    IS(SKF_RSAExportSessionKey(container, SGD_SM4_ECB, &public, out, &size, &key), SAR_NOTSUPPORTYETERR);
    IS(SKF_RSAExportSessionKey(container, SGD_SM4_ECB, &public, out, &size, NULL), SAR_INVALIDPARAMERR);
    IS(SKF_GenExtRSAKey(device, 2048, &private), SAR_NOTSUPPORTYETERR);
    IS(SKF_GenExtRSAKey(device, 2048, NULL), SAR_INVALIDPARAMERR);
    IS(SKF_ExtRSAPubKeyOperation(device, &public, data, 256, out, &size), SAR_NOTSUPPORTYETERR);
    IS(SKF_ExtRSAPubKeyOperation(device, NULL, data, 256, out, &size), SAR_INVALIDPARAMERR);
    IS(SKF_ExtRSAPriKeyOperation(device, &private, data, 256, out, &size), SAR_NOTSUPPORTYETERR);
    IS(SKF_ExtRSAPriKeyOperation(device, NULL, data, 256, out, &size), SAR_INVALIDPARAMERR);
}

int main(void)
{
    CHAR name[64], why[512];
    ULONG size = sizeof why;
    DEVHANDLE handle;
    HAPPLICATION application;
    HCONTAINER one, two;

    devices(name, &handle);
    device(name, handle);
    application = applications(handle);
    files(application);
    containers(handle, application);
    one = container(handle, application, "ONE");
    two = container(handle, application, "TWO");
    sm2(handle, one);
    session_keys(one, two);
    digests(handle);
    agreement(one, two);
    rsa(handle, one);
    IS(SKF_SetSymmKey(handle, (const BYTE *)"short of nothing", 0x101, &one), SAR_NOTSUPPORTYETERR);
    OK(UKEY_LastError(why, &size));
    HOLDS(strstr(why, "ImportSymmKey answered 6A99") != NULL);
    IS(UKEY_LastError(why, NULL), SAR_INVALIDPARAMERR);
    OK(SKF_CloseApplication(application));
    OK(SKF_CloseContainer(two));
    authenticate(handle, (const BYTE[16]){9});
    OK(SKF_DeleteApplication(handle, "APP"));
    OK(SKF_DisConnectDev(handle));
    puts("every function was called");
    return 0;
}
