// Checks documents of this room with Bouncy Castle (Debian packages libbcprov-java, libbcpkix-java, libbcutil-java).
//
//     java -cp BOUNCY_CASTLE_JARS Check.java FOLDER
//
// The folder holds root.der, issuing.der, sign.der, encryption.der, unlisted.der, request.der, envelope.der, sign.key
// (32 bytes), list.der (of the issuing authority), root-list.der, maker.der, document, and for v1, v4 and v5 seal-*.der
// and stamp-*.der, of which v1 and v4 list the sign certificate and v5 its digest. For each check one line "name=true" or
// "name=false" is printed; what throws is false.

import java.io.ByteArrayInputStream;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.Security;
import java.security.Signature;
import java.security.cert.CertPathBuilder;
import java.security.cert.CertStore;
import java.security.cert.CertificateFactory;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509CRL;
import java.security.cert.X509CertSelector;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Arrays;
import java.util.Date;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import org.bouncycastle.asn1.ASN1BitString;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1Integer;
import org.bouncycastle.asn1.ASN1OctetString;
import org.bouncycastle.asn1.ASN1Sequence;
import org.bouncycastle.asn1.DERSequence;
import org.bouncycastle.crypto.ec.CustomNamedCurves;
import org.bouncycastle.crypto.engines.SM2Engine;
import org.bouncycastle.crypto.engines.SM4Engine;
import org.bouncycastle.crypto.params.ECDomainParameters;
import org.bouncycastle.crypto.params.ECPrivateKeyParameters;
import org.bouncycastle.crypto.params.KeyParameter;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.operator.ContentVerifierProvider;
import org.bouncycastle.operator.jcajce.JcaContentVerifierProviderBuilder;
import org.bouncycastle.pkcs.PKCS10CertificationRequest;
import org.bouncycastle.util.BigIntegers;

public class Check {
    static Path folder;

    static byte[] read(String name) throws Exception {
        return Files.readAllBytes(folder.resolve(name));
    }

    static X509Certificate certificate(String name) throws Exception {
        CertificateFactory factory = CertificateFactory.getInstance("X.509", "BC");
        return (X509Certificate) factory.generateCertificate(new ByteArrayInputStream(read(name)));
    }

    static X509CRL list(String name) throws Exception {
        CertificateFactory factory = CertificateFactory.getInstance("X.509", "BC");
        return (X509CRL) factory.generateCRL(new ByteArrayInputStream(read(name)));
    }

    static boolean issued(String name, String issuer) throws Exception {
        certificate(name).verify(certificate(issuer).getPublicKey(), "BC");
        return true;
    }

    /** A path from the root through the issuing authority, with a look at the revocation lists. */
    static boolean path(String name) throws Exception {
        X509CertSelector target = new X509CertSelector();
        target.setCertificate(certificate(name));
        Set<TrustAnchor> anchors = Set.of(new TrustAnchor(certificate("root.der"), null));
        PKIXBuilderParameters parameters = new PKIXBuilderParameters(anchors, target);
        List<Object> store = List.of(certificate(name), certificate("issuing.der"), list("list.der"), list("root-list.der"));
        parameters.addCertStore(CertStore.getInstance("Collection", new CollectionCertStoreParameters(store), "BC"));
        parameters.setRevocationEnabled(true);
        parameters.setDate(Date.from(Instant.parse("2026-06-01T00:00:00Z")));
        CertPathBuilder.getInstance("PKIX", "BC").build(parameters);
        return true;
    }

    static boolean request() throws Exception {
        PKCS10CertificationRequest request = new PKCS10CertificationRequest(read("request.der"));
        ContentVerifierProvider verifier = new JcaContentVerifierProviderBuilder()
                .setProvider("BC").build(request.getSubjectPublicKeyInfo());
        return request.isSignatureValid(verifier);
    }

    static boolean listSigned() throws Exception {
        list("list.der").verify(certificate("issuing.der").getPublicKey(), "BC");
        return true;
    }

    /** Opens the enveloped key with the sign key and compares d G with the public key beside it. */
    static boolean envelope() throws Exception {
        ASN1Sequence envelope = ASN1Sequence.getInstance(read("envelope.der"));
        ASN1Sequence cipher = ASN1Sequence.getInstance(envelope.getObjectAt(1));
        byte[] publicKey = ASN1BitString.getInstance(envelope.getObjectAt(2)).getOctets();
        byte[] blocks = ASN1BitString.getInstance(envelope.getObjectAt(3)).getOctets();

        byte[] raw = new byte[65 + 32 + 16];
        raw[0] = 4;
        for (int i = 0; i < 2; i++) {
            BigInteger coordinate = ASN1Integer.getInstance(cipher.getObjectAt(i)).getPositiveValue();
            System.arraycopy(BigIntegers.asUnsignedByteArray(32, coordinate), 0, raw, 1 + 32 * i, 32);
        }
        System.arraycopy(ASN1OctetString.getInstance(cipher.getObjectAt(2)).getOctets(), 0, raw, 65, 32);
        System.arraycopy(ASN1OctetString.getInstance(cipher.getObjectAt(3)).getOctets(), 0, raw, 97, 16);

        var curve = CustomNamedCurves.getByName("sm2p256v1");
        ECDomainParameters domain = new ECDomainParameters(curve.getCurve(), curve.getG(), curve.getN(), curve.getH());
        SM2Engine engine = new SM2Engine(SM2Engine.Mode.C1C3C2);
        engine.init(false, new ECPrivateKeyParameters(new BigInteger(1, read("sign.key")), domain));
        byte[] key = engine.processBlock(raw, 0, raw.length);

        SM4Engine sm4 = new SM4Engine();
        sm4.init(false, new KeyParameter(key));
        byte[] plain = new byte[blocks.length];
        for (int at = 0; at < blocks.length; at += 16) {
            sm4.processBlock(blocks, at, plain, at);
        }
        byte[] d = Arrays.copyOfRange(plain, plain.length - 32, plain.length);
        byte[] point = curve.getG().multiply(new BigInteger(1, d)).normalize().getEncoded(false);
        return Arrays.equals(point, publicKey);
    }

    static ASN1Sequence sequence(Object of, int... path) {
        ASN1Sequence at = ASN1Sequence.getInstance(of);
        for (int index : path) {
            at = ASN1Sequence.getInstance(at.getObjectAt(index));
        }
        return at;
    }

    /** SM2 with SM3 by the certificate in an OCTET STRING, over the DER of what it parsed. */
    static boolean signed(ASN1Encodable part, ASN1Encodable certificate, ASN1Encodable signature) throws Exception {
        byte[] der = ASN1OctetString.getInstance(certificate).getOctets();
        CertificateFactory factory = CertificateFactory.getInstance("X.509", "BC");
        Signature verifier = Signature.getInstance("SM3withSM2", "BC");
        // With the certificate and not its key alone: this looks at its critical key usage.
        verifier.initVerify(factory.generateCertificate(new ByteArrayInputStream(der)));
        verifier.update(part.toASN1Primitive().getEncoded("DER"));
        return verifier.verify(ASN1BitString.getInstance(signature).getOctets());
    }

    static boolean sealSigned(ASN1Sequence seal) throws Exception {
        if (seal.size() > 2) {
            return signed(seal.getObjectAt(0), seal.getObjectAt(1), seal.getObjectAt(3));
        }
        ASN1Sequence signing = sequence(seal, 1);
        ASN1Encodable[] part = {seal.getObjectAt(0), signing.getObjectAt(0), signing.getObjectAt(1)};
        return signed(new DERSequence(part), signing.getObjectAt(0), signing.getObjectAt(2));
    }

    /** The stamp, and the seal in it. */
    static boolean stampSigned(ASN1Sequence stamp) throws Exception {
        ASN1Sequence toSign = sequence(stamp, 0);
        boolean first = stamp.size() == 2;
        ASN1Encodable certificate = first ? toSign.getObjectAt(5) : stamp.getObjectAt(1);
        return sealSigned(sequence(toSign, 1)) && signed(toSign, certificate, stamp.getObjectAt(first ? 1 : 3));
    }

    static byte[] sm3(byte[] data) throws Exception {
        return MessageDigest.getInstance("SM3", "BC").digest(data);
    }

    static boolean dataStamped(ASN1Sequence stamp) throws Exception {
        byte[] hash = ASN1BitString.getInstance(sequence(stamp, 0).getObjectAt(3)).getOctets();
        return Arrays.equals(hash, sm3(read("document")));
    }

    static boolean listed(ASN1Sequence seal, byte[] certificate) throws Exception {
        ASN1Sequence property = sequence(seal, 0, 2);
        boolean digests = ASN1Integer.getInstance(property.getObjectAt(2)).intValueExact() == 2;
        for (ASN1Encodable entry : sequence(property, 3)) {
            ASN1Encodable value = digests ? sequence(entry).getObjectAt(1) : entry;
            byte[] wanted = digests ? sm3(certificate) : certificate;
            if (Arrays.equals(ASN1OctetString.getInstance(value).getOctets(), wanted)) {
                return true;
            }
        }
        return false;
    }

    static void check(String name, Callable<Boolean> action) {
        boolean passed = false;
        try {
            passed = action.call();
        } catch (Exception refused) {
            System.err.println(name + ": " + refused);
        }
        System.out.println(name + "=" + passed);
    }

    public static void main(String[] arguments) {
        folder = Path.of(arguments[0]);
        Security.addProvider(new BouncyCastleProvider());
        check("root", () -> issued("root.der", "root.der"));
        check("issuing", () -> issued("issuing.der", "root.der"));
        check("sign", () -> issued("sign.der", "issuing.der"));
        check("encryption", () -> issued("encryption.der", "issuing.der"));
        check("path", () -> path("unlisted.der"));
        check("path-listed", () -> path("sign.der"));
        check("request", Check::request);
        check("list", Check::listSigned);
        check("sign-listed", () -> list("list.der").isRevoked(certificate("sign.der")));
        check("issuing-listed", () -> list("list.der").isRevoked(certificate("issuing.der")));
        check("envelope", Check::envelope);
        check("maker", () -> issued("maker.der", "issuing.der"));
        for (String version : List.of("v1", "v4", "v5")) {
            check("seal-" + version, () -> sealSigned(sequence(read("seal-" + version + ".der"))));
            check("stamp-" + version, () -> stampSigned(sequence(read("stamp-" + version + ".der"))));
            check("data-" + version, () -> dataStamped(sequence(read("stamp-" + version + ".der"))));
        }
        check("listed-v4", () -> listed(sequence(read("seal-v4.der")), read("sign.der")));
        check("listed-v5", () -> listed(sequence(read("seal-v5.der")), read("sign.der")));
        check("listed-wrong", () -> listed(sequence(read("seal-v5.der")), read("encryption.der")));
    }
}
