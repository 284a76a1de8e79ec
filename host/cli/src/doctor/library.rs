//! What an SKF library exports, read from its file: nothing of it runs.

use object::{Architecture, Object, ObjectSymbol};

use super::facts::Content;

/// The functions of GM/T 0016-2012, clause 7.
#[rustfmt::skip]
pub(crate) const FUNCTIONS: &[&str] = &[
    "SKF_WaitForDevEvent", "SKF_CancelWaitForDevEvent", "SKF_EnumDev", "SKF_ConnectDev", "SKF_DisConnectDev",
    "SKF_GetDevState", "SKF_SetLabel", "SKF_GetDevInfo", "SKF_LockDev", "SKF_UnlockDev", "SKF_Transmit",
    "SKF_ChangeDevAuthKey", "SKF_DevAuth", "SKF_ChangePIN", "SKF_GetPINInfo", "SKF_VerifyPIN", "SKF_UnblockPIN",
    "SKF_ClearSecureState",
    "SKF_CreateApplication", "SKF_EnumApplication", "SKF_DeleteApplication", "SKF_OpenApplication",
    "SKF_CloseApplication",
    "SKF_CreateFile", "SKF_DeleteFile", "SKF_EnumFiles", "SKF_GetFileInfo", "SKF_ReadFile", "SKF_WriteFile",
    "SKF_CreateContainer", "SKF_DeleteContainer", "SKF_OpenContainer", "SKF_CloseContainer", "SKF_EnumContainer",
    "SKF_GetContainerType", "SKF_ImportCertificate", "SKF_ExportCertificate",
    "SKF_GenRandom", "SKF_GenRSAKeyPair", "SKF_ImportRSAKeyPair", "SKF_RSASignData", "SKF_RSAVerify",
    "SKF_RSAExportSessionKey", "SKF_GenECCKeyPair", "SKF_ImportECCKeyPair", "SKF_ECCSignData", "SKF_ECCVerify",
    "SKF_ECCExportSessionKey", "SKF_ExtECCEncrypt", "SKF_GenerateAgreementDataWithECC",
    "SKF_GenerateAgreementDataAndKeyWithECC", "SKF_GenerateKeyWithECC", "SKF_ExportPublicKey",
    "SKF_ImportSessionKey", "SKF_EncryptInit", "SKF_Encrypt", "SKF_EncryptUpdate", "SKF_EncryptFinal",
    "SKF_DecryptInit", "SKF_Decrypt", "SKF_DecryptUpdate", "SKF_DecryptFinal", "SKF_DigestInit", "SKF_Digest",
    "SKF_DigestUpdate", "SKF_DigestFinal", "SKF_MacInit", "SKF_Mac", "SKF_MacUpdate", "SKF_MacFinal",
    "SKF_CloseHandle",
];

/// What the bytes of a file are; `ours` are those of this program.
pub(crate) fn content(bytes: &[u8], ours: &[u8]) -> Content {
    let Ok(file) = object::File::parse(bytes) else { return Content::NoLibrary };
    let machine = |file: &object::File<'_>| name(file.architecture());
    if let Ok(own) = object::File::parse(ours)
        && own.architecture() != file.architecture()
    {
        return Content::Foreign { its: machine(&file), ours: machine(&own) };
    }
    let names = file.dynamic_symbols().filter(|symbol| symbol.is_definition());
    Content::Exports(names.filter_map(|symbol| symbol.name().ok().map(str::to_owned)).collect())
}

/// As packages are named after it.
fn name(architecture: Architecture) -> String {
    match architecture {
        Architecture::X86_64 => "amd64".to_owned(),
        Architecture::I386 => "i386".to_owned(),
        Architecture::Aarch64 => "arm64".to_owned(),
        Architecture::Arm => "arm".to_owned(),
        Architecture::LoongArch64 => "loong64".to_owned(),
        Architecture::Mips64 => "mips64".to_owned(),
        Architecture::Riscv64 => "riscv64".to_owned(),
        other => format!("{other:?}"),
    }
}
