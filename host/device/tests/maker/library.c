/* A small SKF library (GM/T 0016-2012) with one fault, chosen when it is compiled: -DFAULT=HANGS. Without one it is
 * sound, as far as it goes: a device "TOKEN", an application "APP", a container "CON". */

#include <stdint.h>
#include <string.h>
#include <unistd.h>

typedef uint32_t ULONG;
typedef void *HANDLE;
typedef unsigned char BYTE;

enum {
    NONE,
    BARE,
    NO_DEVICE,
    TWO_DEVICES,
    CONNECTS_NOTHING,
    ASKS_FOR_4_GB,
    WRITES_MORE_THAN_IT_WAS_GIVEN,
    SAYS_MORE_THAN_IT_WAS_GIVEN,
    NAMES_WITHOUT_AN_END,
    NAMES_WITH_ONE_END,
    KEY_OF_0_BITS,
    KEY_OF_1024_BITS,
    KEY_IN_THE_FRONT,
    HALF_A_KEY,
    LONG_ULONG,
    LONG_DEVINFO,
    HANGS,
    TELLS_NO_TRIES,
    TELLS_4_BILLION_TRIES,
    A_CODE_OF_ITS_OWN,
    IS_PULLED,
    IS_LOCKED_BY_ANOTHER,
    NO_LOCK,
    NO_RAW_COMMANDS
};

#ifndef FAULT
#define FAULT NONE
#endif
#define IS(fault) (FAULT == (fault))
#define FAIL 0x0A000001u
#define NOT_SUPPORTED 0x0A000003u
#define BAD_PARAMETER 0x0A000006u
#define TIMED_OUT 0x0A00000Fu
#define TOO_SMALL 0x0A000020u
#define PIN_INCORRECT 0x0A000024u
#define NO_APPLICATION 0x0A00002Eu

static ULONG fill(const void *data, ULONG length, BYTE *out, ULONG *size)
{
    ULONG room = *size;
    *size = length;
    if (out == NULL)
        return 0;
    if (room < length)
        return TOO_SMALL;
    memcpy(out, data, length);
    return 0;
}

ULONG SKF_EnumDev(ULONG present, BYTE *names, ULONG *size)
{
    if (IS(NO_DEVICE))
        return fill("\0", 2, names, size);
    if (IS(TWO_DEVICES))
        return present ? fill("ONE\0TWO\0", 9, names, size) : fill("ONE\0TWO\0OUT\0", 13, names, size);
    return fill("TOKEN\0", 7, names, size);
}

#if FAULT != 1 /* BARE */

static int it;
static int was_pulled;

ULONG SKF_ConnectDev(const char *name, HANDLE *device)
{
    (void)name;
    *device = &it;
    return IS(CONNECTS_NOTHING) ? FAIL : 0;
}

ULONG SKF_DisConnectDev(HANDLE device)
{
    return device == &it ? 0 : FAIL;
}

ULONG SKF_GetDevState(const char *name, ULONG *state)
{
    (void)name;
    *state = was_pulled ? 0 : 1;
    return 0;
}

ULONG SKF_GetDevInfo(HANDLE device, BYTE *info)
{
    ULONG largest = 1024;
    (void)device;
    memset(info, 0, IS(LONG_DEVINFO) ? 512 : 294);
    strcpy((char *)info + 2, "maker");
    strcpy((char *)info + 162, "0001");
    memcpy(info + 226, &largest, sizeof largest);
    return 0;
}

ULONG SKF_SetLabel(HANDLE device, const char *label)
{
    (void)device;
    (void)label;
    was_pulled = IS(IS_PULLED);
    return IS(A_CODE_OF_ITS_OWN) ? 0x0B000001u : IS(IS_PULLED) || IS(IS_LOCKED_BY_ANOTHER) ? FAIL : 0;
}

#if FAULT != 22 /* NO_LOCK */
ULONG SKF_LockDev(HANDLE device, ULONG milliseconds)
{
    (void)device;
    if (IS(IS_LOCKED_BY_ANOTHER)) {
        usleep(milliseconds * 1000);
        return TIMED_OUT;
    }
    return 0;
}

ULONG SKF_UnlockDev(HANDLE device)
{
    (void)device;
    return 0;
}
#endif

ULONG SKF_EnumApplication(HANDLE device, BYTE *names, ULONG *size)
{
    (void)device;
    while (IS(HANGS))
        pause();
    if (IS(ASKS_FOR_4_GB)) {
        *size = 0xFFFFFFFFu;
        return 0;
    }
    if (IS(SAYS_MORE_THAN_IT_WAS_GIVEN) && names != NULL) {
        *size += 100;
        return 0;
    }
    if (IS(WRITES_MORE_THAN_IT_WAS_GIVEN) && names != NULL) {
        memset(names, 'A', *size + 100);
        return 0;
    }
    if (IS(LONG_ULONG)) {
        uint64_t length = 5;
        memcpy(size, &length, sizeof length);
        if (names != NULL)
            memcpy(names, "APP\0", 5);
        return 0;
    }
    if (IS(NAMES_WITHOUT_AN_END))
        return fill("APP", 3, names, size);
    return fill("APP\0", IS(NAMES_WITH_ONE_END) ? 4 : 5, names, size);
}

ULONG SKF_OpenApplication(HANDLE device, const char *name, HANDLE *application)
{
    (void)device;
    *application = &it;
    return strcmp(name, "APP") == 0 ? 0 : FAIL;
}

ULONG SKF_CloseApplication(HANDLE application)
{
    (void)application;
    return 0;
}

ULONG SKF_VerifyPIN(HANDLE application, ULONG type, const char *pin, ULONG *left)
{
    (void)application;
    (void)type;
    if (strcmp(pin, "12345678") == 0)
        return 0;
    if (!IS(TELLS_NO_TRIES))
        *left = 3;
    return PIN_INCORRECT;
}

ULONG SKF_GetPINInfo(HANDLE application, ULONG type, ULONG *most, ULONG *left, ULONG *is_default)
{
    (void)application;
    (void)type;
    *most = 10;
    *left = IS(TELLS_4_BILLION_TRIES) ? 0xFFFFFFFEu : 2;
    *is_default = 0;
    return 0;
}

ULONG SKF_EnumContainer(HANDLE application, BYTE *names, ULONG *size)
{
    (void)application;
    return fill("CON\0", 5, names, size);
}

ULONG SKF_OpenContainer(HANDLE application, const char *name, HANDLE *container)
{
    (void)application;
    *container = &it;
    return strcmp(name, "CON") == 0 ? 0 : BAD_PARAMETER;
}

ULONG SKF_ExportPublicKey(HANDLE container, ULONG sign, BYTE *blob, ULONG *size)
{
    BYTE key[132] = {0};
    ULONG bits = IS(KEY_OF_0_BITS) ? 0 : IS(KEY_OF_1024_BITS) ? 1024 : 256;
    (void)container;
    (void)sign;
    memcpy(key, &bits, sizeof bits);
    memset(key + (IS(KEY_IN_THE_FRONT) ? 4 : 36), 1, 32);
    memset(key + 100, 2, 32);
    return fill(key, IS(HALF_A_KEY) ? 66 : 132, blob, size);
}

ULONG SKF_GenRandom(HANDLE device, BYTE *random, ULONG count)
{
    (void)device;
    memset(random, 4, count);
    return 0;
}

#if FAULT == 23 /* NO_RAW_COMMANDS */
ULONG SKF_Transmit(HANDLE device, const BYTE *command, ULONG length, BYTE *answer, ULONG *size)
{
    (void)device;
    (void)command;
    (void)length;
    (void)answer;
    (void)size;
    return NOT_SUPPORTED;
}
#endif

#endif
